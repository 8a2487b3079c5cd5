"""Timeout for receiving request bodies, against clients that stop halfway or send byte by byte."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

# Key of the scope under which the server reports a body that it can't read, as (status, code, detail).
BROKEN_BODY: Final = "binnacle.broken_body"


class BodyDeadline:
    """Wraps `receive` of one request with a deadline for its whole body. Responses have no deadline."""

    def __init__(self, scope: Scope, receive: Receive, seconds: float) -> None:
        self._scope = scope
        self._receive = receive
        self._seconds = seconds
        self._ends = asyncio.get_running_loop().time() + seconds
        self._complete = False

    async def __call__(self) -> Message:
        """Returns the next message. A late or broken body raises HTTPException, which closes the connection."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError:
            detail = f"The body must arrive within {self._seconds:g} s."
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"}) from None
        broken = self._scope.get(BROKEN_BODY)
        if broken is not None:
            status, _, detail = broken
            raise HTTPException(status, detail, {"Connection": "close"})
        self._complete = not message.get("more_body", False)
        return message


def has_body(fields: Mapping[bytes, bytes]) -> bool:
    """Tests whether the header fields of a request announce a body."""
    return fields.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in fields
