"""Cursors: signed positions in lists, each valid for one query."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

from app.errors import BadRequestError

_MAC_BYTES: Final = 16
_PURPOSE: Final = b"binnacle: cursors"  # separates cursors from tokens, which the same key signs


class InvalidCursorError(BadRequestError):
    code = "invalid_cursor"


class Cursors:
    """Signs and verifies cursors. Replicas that share a key accept each other's."""

    def __init__(self, key: str) -> None:
        self._key = hmac.digest(key.encode(), _PURPOSE, hashlib.sha256)

    def seal(self, position: Sequence[str], query: str) -> str:
        content = json.dumps(position).encode()
        return base64.urlsafe_b64encode(self._mac(content, query) + content).rstrip(b"=").decode()

    def open(self, cursor: str, query: str) -> list[str]:
        """Returns the position in a cursor. Raises InvalidCursorError unless it was signed here for this query."""
        refusal = InvalidCursorError("The cursor is not one of ours for this query; begin without a cursor.")
        try:
            sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise refusal from None
        mac, content = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content, query)):
            raise refusal
        position: list[str] = json.loads(content)
        return position

    def _mac(self, content: bytes, query: str) -> bytes:
        message = len(content).to_bytes(4, "big") + content + query.encode()
        return hmac.digest(self._key, message, hashlib.sha256)[:_MAC_BYTES]
