"""Refuses encoded bodies: decompression would let a client choose how much memory the service uses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.types import Scope

from app.api.edge.body_timeout import has_body
from app.api.edge.refusal import Refusal

_NAME: Final = b"content-encoding"
_PLAIN: Final = frozenset({b"", b"identity"})
_REFUSAL: Final = Refusal(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Encoded bodies are not supported; send the body without Content-Encoding.",
    {"Accept-Encoding": "identity"},
)


class PlainBodies:
    """Refuses a body with any content coding, such as gzip (RFC 9110, 15.5.16)."""

    def refuse(self, scope: Scope, fields: Mapping[bytes, bytes]) -> Refusal | None:
        if _NAME not in fields or not has_body(fields):
            return None
        given = (coding for name, value in scope["headers"] if name == _NAME for coding in value.split(b","))
        return None if all(coding.strip().lower() in _PLAIN for coding in given) else _REFUSAL
