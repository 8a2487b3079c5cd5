"""A request names exactly one host, and one that is ours."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.types import Scope

from app.api.edge.paths import OPERATIONS
from app.api.edge.refusal import Refusal

_UNKNOWN: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "unknown_host",
    "The request must name exactly one Host, and one that this service serves.",
)


class Hosts:
    """Refuses requests for other hosts. `allowed` holds names, `*.example.com` for all below, or `*` for any."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._any = "*" in allowed
        self._exact = {host.casefold() for host in allowed}
        self._suffixes = tuple(host[1:].casefold() for host in allowed if host.startswith("*."))

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:
        if scope["path"] in OPERATIONS:
            return None
        host = fields.get(b"host")
        several = len(fields) < len(scope["headers"]) and [name for name, _ in scope["headers"]].count(b"host") > 1
        return None if host is not None and not several and self._knows(host) else _UNKNOWN

    def _knows(self, host: bytes) -> bool:
        if self._any:
            return True
        name = host.decode("latin-1").rsplit(":", 1)[0].casefold()
        return name in self._exact or name.endswith(self._suffixes)
