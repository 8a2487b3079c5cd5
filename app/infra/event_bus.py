"""The event bus: what must happen because of an event is committed with it, what may be lost runs after the commit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from app.events import Event
from app.infra.cache import Cache
from app.infra.database import WriteSession
from app.infra.fanout import Fanout
from app.infra.outbox.outbox import Outbox

Listener = Callable[[Any], Awaitable[None]]


class Events:
    """Tells subscribers. Each is on its own: one that fails neither fails the transaction nor another subscriber.

    `durable` names the topics whose handlers get the event as a message, `live` the coroutines that run once after
    the commit, and never if the process dies just then.
    """

    def __init__(
        self,
        outbox: Outbox,
        durable: Mapping[type[Event], Sequence[str]],
        live: Mapping[type[Event], Sequence[Listener]],
    ) -> None:
        self._outbox = outbox
        self._durable = durable
        self._live = live

    def record(self, session: WriteSession, event: Event) -> None:
        """Says within a transaction that something happens with it."""
        payload = {name: str(value) for name, value in asdict(event).items()}
        for topic in self._durable.get(type(event), ()):
            self._outbox.add(session, topic, payload)
        for listener in self._live.get(type(event), ()):
            session.after_commit(_guarded(listener, event))


@dataclass(frozen=True, slots=True)
class Bus:
    """The event bus of one process, and the parts that its subscribers use."""

    cache: Cache
    fanout: Fanout
    outbox: Outbox
    events: Events


def _guarded(listener: Listener, event: Event) -> Callable[[], Awaitable[None]]:
    async def tell() -> None:
        try:
            await listener(event)
        except Exception:  # noqa: BLE001 -- what is said may fail nobody who says it
            structlog.get_logger().exception("event_listener_failed", event_name=event.name)

    return tell
