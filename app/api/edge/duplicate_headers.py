"""Refuses duplicates of single-valued header fields: a proxy and the service could read different values."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.types import Scope

from app.api.edge.refusal import Refusal

_ONCE: Final = (b"authorization", b"content-type", b"idempotency-key", b"last-event-id", b"origin")
_REFUSALS: Final = {
    name: Refusal(HTTPStatus.BAD_REQUEST, "repeated_header", f"Send the header field {name.decode()} only once.")
    for name in _ONCE
}


class RepeatedFields:
    """Refuses a duplicate field whose value is not a list (RFC 9110, 5.3)."""

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:
        if len(fields) == len(scope["headers"]):
            return None
        names = [name for name, _ in scope["headers"]]
        return next((refusal for name, refusal in _REFUSALS.items() if names.count(name) > 1), None)
