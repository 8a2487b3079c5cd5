"""The event bus: durable subscribers get events in the same transaction, live ones after the commit."""

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
    """Notifies subscribers. A failing subscriber fails neither the transaction nor another one.

    `durable` maps events to topics of the outbox; `live` maps them to coroutines that run once after the commit, and
    not at all if the process dies.
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
        """Records an event in a transaction."""
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
    async def notify() -> None:
        try:
            await listener(event)
        except Exception:  # noqa: BLE001 -- a subscriber must not fail the publisher
            structlog.get_logger().exception("event_listener_failed", event_name=event.name)

    return notify
