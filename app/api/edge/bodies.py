"""A body arrives within a deadline, or is not waited for: half of it and then silence, or a byte at a time."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive


class BodyDeadline:
    """`receive` for one request, with a deadline for its whole body. What streams out has none."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._ends = asyncio.get_running_loop().time() + seconds
        self._complete = False

    async def __call__(self) -> Message:
        """The next message. Raises HTTPException, which every reader of bodies lets through: 408, and the end."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError:
            detail = f"The body must arrive within {self._seconds:g} s."
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"}) from None
        self._complete = not message.get("more_body", False)
        return message


def has_body(fields: Mapping[bytes, bytes]) -> bool:
    """Whether the header fields of a request announce a body."""
    return fields.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in fields
