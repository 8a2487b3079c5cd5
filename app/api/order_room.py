"""Chat room of an order: its buyer and sellers exchange messages and receive its status."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID, uuid4

import orjson
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.api.open_streams import Presence, Standing
from app.infra.database.orm import now
from app.infra.fanout import Fanout, Message, SlowReaderError
from app.orders.repository import ParticipantRole
from app.orders.status_stream import Follower, Following
from app.schemas import Input
from app.text.types import Lines

MAX_MESSAGE_BYTES: Final = 16_384
MESSAGES_PER_SECOND: Final = 5.0
MESSAGE_BURST: Final = 20.0
SEND_SECONDS: Final = 10.0


class End(NamedTuple):
    """Close code of the socket, and the reason for the client and the metrics."""

    code: int
    reason: str


LEFT: Final = End(1000, "left")
DRAINING: Final = End(1012, "draining")
NOT_TEXT: Final = End(1003, "bad_message")
TOO_LARGE: Final = End(1009, "bad_message")
TRY_LATER: Final = End(1013, "slow")
BAD_MESSAGE: Final = End(4400, "bad_message")
UNAUTHENTICATED: Final = End(4401, "unauthenticated")
BY_REASON: Final = {end.reason: end for end in (DRAINING, UNAUTHENTICATED)}
FORBIDDEN: Final = End(4403, "forbidden")
TOO_MANY: Final = End(4429, "too_many")


class _Said(Input):
    type: Literal["message"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000), Lines]


class _Sign(Input):
    type: Literal["ping", "leave"]


_INCOMING: Final[TypeAdapter[_Said | _Sign]] = TypeAdapter(Annotated[_Said | _Sign, Field(discriminator="type")])


class Member(NamedTuple):
    """An account in the room, and its role in the order."""

    account_id: UUID
    role: ParticipantRole


@dataclass(frozen=True, slots=True)
class Room:
    """Connection of one member; other members may be connected to other processes."""

    socket: WebSocket
    fanout: Fanout
    presence: Presence
    standing: Standing
    member: Member

    async def stay(self, following: Following, order_id: UUID) -> End:
        """Exchanges messages until the member leaves or must leave; returns the reason."""
        channel = f"room:{order_id}"
        async with following.follow(order_id, channel) as follower, self._announced(channel, order_id):
            tasks = [
                asyncio.create_task(self._hear(channel), name="room-hear"),
                asyncio.create_task(self._tell(follower), name="room-tell"),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                return done.pop().result()
            except WebSocketDisconnect:
                return LEFT
            except TimeoutError:
                return TRY_LATER
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _announced(self, channel: str, order_id: UUID) -> AsyncIterator[None]:
        first = self.presence.enter(order_id, self.member.account_id)
        try:
            if first:
                await self._publish(channel, "join")
            yield
        finally:
            if self.presence.leave(order_id, self.member.account_id):
                await self._publish(channel, "leave")

    async def _tell(self, follower: Follower) -> End:
        while True:
            try:
                said = await follower.next()
            except SlowReaderError:
                return TRY_LATER
            if isinstance(said, Message):
                await self._send(said.content)
            elif said is not None:
                await self._send(orjson.dumps({"type": "status", **said.model_dump(mode="json")}))
            reason = await self.standing.end()
            if reason is not None:
                return BY_REASON[reason]

    async def _hear(self, channel: str) -> End:
        allowance, seen_at = MESSAGE_BURST, time.monotonic()
        while True:
            frame = await self.socket.receive()
            if frame["type"] == "websocket.disconnect":
                return LEFT
            moment = time.monotonic()
            allowance = min(MESSAGE_BURST, allowance + (moment - seen_at) * MESSAGES_PER_SECOND) - 1
            seen_at = moment
            text = frame.get("text")
            if allowance < 0:
                return TOO_MANY
            if text is None:
                return NOT_TEXT
            if len(text.encode()) > MAX_MESSAGE_BYTES:
                return TOO_LARGE
            try:
                said = _INCOMING.validate_json(text)
            except ValidationError:
                return BAD_MESSAGE
            if isinstance(said, _Said):
                await self._publish(channel, "message", text=said.text)
            elif said.type == "leave":
                return LEFT
            else:
                await self._send(b'{"type":"pong"}')

    async def _publish(self, channel: str, kind: str, **more: str) -> None:
        sender = {"from": self.member.role, "account_id": self.member.account_id}
        said = {"type": kind, "id": uuid4(), "at": now(), **sender, **more}
        await self.fanout.publish(channel, orjson.dumps(said))

    async def _send(self, content: bytes) -> None:
        async with asyncio.timeout(SEND_SECONDS):  # a client that does not read is disconnected
            await self.socket.send_text(content.decode())
