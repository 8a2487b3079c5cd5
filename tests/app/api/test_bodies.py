"""The deadline for receiving a request body ends with the body."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from app.api.edge.body_timeout import BodyDeadline

pytestmark = pytest.mark.anyio

SECONDS = 0.05


def _receiving(messages: Iterator[dict[str, Any]], later: asyncio.Event) -> BodyDeadline:
    async def receive() -> dict[str, Any]:
        try:
            return next(messages)
        except StopIteration:
            await later.wait()
            return {"type": "http.disconnect"}

    return BodyDeadline({}, receive, SECONDS)


@pytest.mark.parametrize("end", [{}, {"more_body": False}], ids=["not said", "said"])
async def test_messages_after_the_whole_body_have_no_deadline(end: dict[str, Any]) -> None:
    """ASGI: a message without `more_body` is the last one."""
    later = asyncio.Event()
    receive = _receiving(
        iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.request", **end}]), later
    )
    assert [(await receive())["type"] for _ in range(2)] == ["http.request"] * 2
    asyncio.get_running_loop().call_later(2 * SECONDS, later.set)
    assert await receive() == {"type": "http.disconnect"}


async def test_a_partial_body_has_a_deadline() -> None:
    receive = _receiving(iter([{"type": "http.request", "body": b"{", "more_body": True}]), asyncio.Event())
    await receive()
    with pytest.raises(HTTPException) as refused:
        await receive()
    assert (refused.value.status_code, refused.value.headers) == (408, {"Connection": "close"})
