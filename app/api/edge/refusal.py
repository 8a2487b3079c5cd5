"""Refusals of the edge, and the interface of the guards that return them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Refusal:
    """Content of problem details. `detail` states what to do, and repeats nothing that the client sent."""

    status: HTTPStatus
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Guard(Protocol):
    """Checks the head of a request before its body is read.

    `fields` maps names of header fields to values; of duplicates, to the last one.
    """

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None: ...
