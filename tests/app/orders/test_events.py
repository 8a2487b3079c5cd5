"""An order's status as server-sent events, of any replica, until its final state."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry

from app.infra.database import open_database
from app.infra.database.orm import now
from app.infra.fanout import Fanout
from app.orders import repository
from app.orders.status_stream import POLL_SECONDS, Following, OrderState
from app.settings import Settings
from app.telemetry.metrics import FanoutMetrics
from tests.app.conftest import Api
from tests.app.orders.shop import Shop
from tests.support.customer import Shopper
from tests.support.shops import RunningShop

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@dataclass(slots=True)
class Stream:
    """Server-sent events of one response."""

    lines: Iterator[str]

    def event(self) -> dict[str, str] | None:
        """Returns the next event's fields; None at the end."""
        fields: dict[str, str] = {}
        for line in self.lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
        return None


@contextmanager
def stream(shopper: Shopper, url: str, location: str, **headers: str) -> Iterator[Stream]:
    opened = shopper.client.stream("GET", f"{url}{location}/events", headers=headers, timeout=30)
    with opened as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-cache"
        yield Stream(answer.iter_lines())


def _stage(event: dict[str, str] | None) -> tuple[str, str, bool]:
    assert event is not None
    assert event["event"] == "status"
    data = json.loads(event["data"])
    return event["id"], data["status"], data["final"]


def test_a_change_of_another_process_arrives_before_the_next_poll(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as shopper:
        running_shop.behave(latency_ms=1000)
        location = shopper.order().headers["Location"]
        with stream(shopper, running_shop.urls[-1], location) as events:
            assert _stage(events.event()) == ("1", "pending", False)
            assert _stage(events.event()) == ("2", "paid", True)
            received = now()
            assert events.event() is None, "nothing more can come"
        paid = datetime.fromisoformat(shopper.client.get(location).json()["finished_at"])
        assert (received - paid).total_seconds() < POLL_SECONDS
        running_shop.behave(latency_ms=1000)
        cancelled = shopper.client.post(f"{location}/cancel").raise_for_status().json()
        assert (cancelled["status"], cancelled["refund"]) == ("cancelled", "pending")
        with stream(shopper, running_shop.urls[-1], location) as events:
            assert _stage(events.event()) == ("3", "cancelled", False)
            assert _stage(events.event()) == ("4", "cancelled", True)
            assert events.event() is None
        assert shopper.client.get(location).json()["refund"] == "refunded"


def test_last_event_id_resumes_the_stream(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as shopper:
        running_shop.behave(latency_ms=1500)
        location = shopper.order().headers["Location"]
        with stream(shopper, running_shop.urls[-1], location, **{"Last-Event-ID": "1"}) as events:
            assert _stage(events.event()) == ("2", "paid", True)
        with stream(shopper, running_shop.urls[0], location, **{"Last-Event-ID": "2"}) as events:
            assert _stage(events.event()) == ("2", "paid", True), "that there is nothing to wait for"
            assert events.event() is None
        with stream(shopper, running_shop.urls[0], location, **{"Last-Event-ID": "x"}) as events:
            assert _stage(events.event()) == ("2", "paid", True)


def test_a_stopping_replica_ends_its_streams_with_a_retry(own_shop: RunningShop) -> None:
    running_shop = own_shop
    with Shopper(running_shop.urls[0]) as shopper:
        running_shop.behave(hang_rate=1)
        location = shopper.order().headers["Location"]
        with stream(shopper, running_shop.urls[-1], location) as events:
            assert _stage(events.event()) == ("1", "pending", False)
            stopped = time.monotonic()
            running_shop.apis[-1].signal(signal.SIGTERM)
            event = events.event()
            assert event is not None
            assert (event["event"], json.loads(event["data"]), event["retry"]) == (
                "end",
                {"reason": "draining"},
                "1000",
            )
            assert events.event() is None
        running_shop.apis[-1].wait()
        assert time.monotonic() - stopped < 15


def test_a_stream_ends_with_its_token(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as shopper:
        running_shop.behave(hang_rate=1)
        location = shopper.order().headers["Location"]
        with stream(shopper, running_shop.urls[-1], location) as events:
            assert _stage(events.event()) == ("1", "pending", False)
            new = "another horse battery"
            change = {"current_password": "correct horse battery", "password": new, "password_confirm": new}
            shopper.client.post("/api/v1/users/me/password", json=change).raise_for_status()
            changed = time.monotonic()
            event = events.event()
            assert event is not None
            assert (event["event"], json.loads(event["data"])) == ("end", {"reason": "unauthenticated"})
            assert time.monotonic() - changed < 5.5


@pytest.mark.anyio
async def test_only_the_buyer_can_follow_an_order(api: Api, settings: Settings) -> None:
    client = await api.login()
    item = (await client.post("/api/v1/items", json={"name": "Bell", "price": "1.00", "stock": 7})).json()["id"]
    placed = await client.post("/api/v1/orders", json={"lines": [{"item_id": item, "quantity": 1}]})
    events = f"{placed.headers['Location']}/events"
    cancelled = await client.post(f"{placed.headers['Location']}/cancel")
    # The provider is unreachable: had a charge begun, its refund would stay pending, and the stream open.
    async with open_database(settings) as database, database.write() as session:
        await repository.record_refund(session, UUID(cancelled.json()["id"]), refunded=False)
    assert (await client.get(events)).text.count("event: status") == 1
    await api.login()
    for url in (events, f"/api/v1/orders/{uuid4()}/events"):
        answer = await client.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    del client.headers["Authorization"]
    assert (await client.get(events)).status_code == 401
    samples = api.binnacle.telemetry.registry.get_sample_value
    assert samples("event_streams_open") == 0
    assert samples("streams_ended_total", {"kind": "events", "reason": "final"}) == 1


@pytest.mark.anyio
@on_sqlite
async def test_a_change_without_a_notification_is_found_by_polling(shop: Shop) -> None:
    payment = await shop.order()
    order = await shop.order_of(payment)
    silent = Fanout(FanoutMetrics(CollectorRegistry()))
    seen: list[Any] = []
    async with Following(shop.database, silent).follow(order) as follower, asyncio.timeout(POLL_SECONDS * 3):
        while not (seen and seen[-1].final):
            update = await follower.next()
            if isinstance(update, OrderState):
                seen.append(update)
                await shop.worker().process(payment)
    assert [state.status for state in seen] == ["pending", "paid"]
