"""Endpoint that streams an order's status as server-sent events."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.contract.responses import refused
from app.api.dependencies import AppServices, Bearer, Caller
from app.api.open_streams import By, Standing, address_of
from app.infra.fanout import SlowReaderError
from app.orders.errors import OrderNotFoundError
from app.orders.status_stream import Follower, OrderState

router = APIRouter(prefix="/orders", tags=["orders"])
RETRY_MILLISECONDS: Final = 1000
LastEventId = Annotated[str | None, Header(description="`id` of the last received event, to continue after it")]


@dataclass(slots=True)
class _Stream:
    """One event stream; `ended` is the reason of its end, for the metrics."""

    follower: Follower
    standing: Standing
    ended: str = "left"


async def _stream(
    order_id: UUID,
    request: Request,
    services: AppServices,
    caller: Caller,
    token: Bearer,
    last_event_id: LastEventId = None,
) -> AsyncIterator[_Stream]:
    """Holds the stream open while the response is sent. Raises OrderNotFoundError and TooManyStreamsError before."""
    if await services.following.participant_role(order_id, caller.account_id) != "buyer":
        raise OrderNotFoundError
    serving_state = request.app.state.serving_state
    standing = Standing(services.tokens, services.access, lambda: serving_state.draining, token or "")
    seen = int(last_event_id) if last_event_id in ("1", "2", "3", "4") else 0
    keys: dict[By, str] = {"account": str(caller.account_id), "order": str(order_id), "address": address_of(request)}
    with services.stream_limits.held(keys):
        async with services.following.follow(order_id, seen=seen) as follower:
            with services.streams.counted("events") as ended:
                stream = _Stream(follower, standing)
                yield stream
                ended(stream.ended)


@router.get(
    "/{order_id:uuid}/events",
    response_class=EventSourceResponse,
    summary="Follow an order",
    responses=refused(401, 404),
)
async def follow_order(stream: Annotated[_Stream, Depends(_stream)]) -> AsyncIterable[ServerSentEvent]:
    """Streams the status of the caller's order, at once and after each change, until it is final.

    Each event is `status` with JSON data. To resume, send its `id` as Last-Event-ID. If the stream ends before a final
    status, its last event is `end` with a `reason`: `draining` (this replica shuts down; reconnect to another one),
    `slow` (the client reads too slowly) or `unauthenticated`. After 15 seconds without an event a comment is sent.
    """
    while True:
        try:
            said = await stream.follower.next()
        except SlowReaderError:
            reason: str | None = "slow"
        else:
            if isinstance(said, OrderState):
                yield ServerSentEvent(event="status", id=str(said.stage), data=said)
                if said.final:
                    stream.ended = "final"
                    return
            reason = await stream.standing.end()
        if reason is not None:
            stream.ended = reason
            yield ServerSentEvent(event="end", data={"reason": reason}, retry=RETRY_MILLISECONDS)
            return
