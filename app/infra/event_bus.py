"""The event bus: durable subscribers get events in the same transaction, live ones after the commit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import structlog

from app.events import Event
from app.infra.cache import Cache
from app.infra.database import WriteSession
from app.infra.fanout import Fanout
from app.infra.outbox.outbox import Outbox

Listener = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Events:
    """Notifies subscribers. A failing subscriber fails neither the transaction nor another one.

    `durable` maps events to topics of the outbox; `live` maps them to coroutines that run once after the commit, and
    not at all if the process dies.
    """

    outbox: Outbox
    durable: Mapping[type[Event], Sequence[str]]
    live: Mapping[type[Event], Sequence[Listener]]

    def record(self, session: WriteSession, event: Event) -> None:
        """Records an event in a transaction."""
        payload = {name: str(value) for name, value in asdict(event).items()}
        for topic in self.durable.get(type(event), ()):
            self.outbox.add(session, topic, payload)
        for listener in self.live.get(type(event), ()):
            session.after_commit(partial(_notify, listener, event))


@dataclass(frozen=True, slots=True)
class Bus:
    """The event bus of one process, and the parts that its subscribers use."""

    cache: Cache
    fanout: Fanout
    outbox: Outbox
    events: Events


async def _notify(listener: Listener, event: Event) -> None:
    try:
        await listener(event)
    except Exception:  # noqa: BLE001 -- a subscriber must not fail the publisher
        structlog.get_logger().exception("event_listener_failed", event_name=event.name)
