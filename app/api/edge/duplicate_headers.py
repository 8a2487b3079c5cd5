"""Refuses duplicates of single-valued header fields, of which two readers could take different ones."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.types import Scope

from app.api.edge.refusal import Refusal

_ONCE: Final = (b"authorization", b"content-type", b"idempotency-key", b"last-event-id", b"origin")
_REFUSALS: Final = {
    name: Refusal(
        HTTPStatus.BAD_REQUEST, "repeated_header", f"A request may have one header field {name.decode()} at most."
    )
    for name in _ONCE
}


class RepeatedFields:
    """Refuses a field that comes twice although it holds no list (RFC 9110, 5.3)."""

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:
        if len(fields) == len(scope["headers"]):
            return None
        names = [name for name, _ in scope["headers"]]
        return next((refusal for name, refusal in _REFUSALS.items() if names.count(name) > 1), None)
