"""A request that goes no further."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Refusal:
    """Becomes problem details. `detail` says what to do, and repeats nothing that the caller sent."""

    status: HTTPStatus
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Guard(Protocol):
    """Looks at the head of a request; no body has been read yet.

    `fields` are its header fields by name; of one that comes twice, the last.
    """

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None: ...
