"""Event streams and WebSockets are limited by account, order and address; presence messages grow linearly."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import anyio
import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.api.open_streams import Presence
from app.processes.api import Binnacle, create_app
from app.settings import Settings
from tests.app.api.serving import serving
from tests.app.conftest import Api
from tests.support import loopback

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

PATIENCE = 15
FREE = {"streams_per_account": 0, "streams_per_order": 0, "streams_per_address": 0}
Open = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """One account at a served API, with its own order that stays pending."""

    client: httpx2.AsyncClient
    token: str
    order: str


class Served:
    """A served API with limits."""

    def __init__(self, binnacle: Binnacle, port: int, stack: AsyncExitStack) -> None:
        self.binnacle = binnacle
        self.url = f"http://127.0.0.1:{port}"
        self._stack = stack

    async def caller(self) -> Caller:
        client = await self._stack.enter_async_context(loopback.async_client(base_url=self.url, timeout=PATIENCE))
        await Api(self.binnacle, client).login()
        item = await client.post("/api/v1/items", json={"name": f"Bell {uuid4()}", "price": "1.00", "stock": 7})
        body = {"lines": [{"item_id": item.json()["id"], "quantity": 1}]}
        order = (await client.post("/api/v1/orders", json=body)).raise_for_status().json()["id"]
        return Caller(client, client.headers["Authorization"], order)

    @asynccontextmanager
    async def stream(self, caller: Caller, order: str | None = None) -> AsyncIterator[httpx2.Response]:
        async with caller.client.stream("GET", f"/api/v1/orders/{order or caller.order}/events") as answer:
            lines = answer.aiter_lines()  # kept, since an iterator that is garbage-collected closes the stream
            if answer.status_code != 200:
                await answer.aread()
            else:
                assert await anext(lines) == "event: status"
            yield answer

    def socket(self, caller: Caller, order: str | None = None) -> Any:
        headers = {"Authorization": caller.token}
        url = f"{self.url.replace('http', 'ws')}/ws/orders/{order or caller.order}"
        return connect(url, additional_headers=headers, proxy=None, open_timeout=PATIENCE)

    def counted(self, name: str, **labels: str) -> float | None:
        return self.binnacle.telemetry.registry.get_sample_value(name, labels)


@asynccontextmanager
async def served(settings: Settings, **limits: int) -> AsyncIterator[Served]:
    binnacle = create_app(settings.model_copy(update=FREE | limits))
    async with serving(binnacle) as port, AsyncExitStack() as stack:
        yield Served(binnacle, port, stack)


async def _receive(connection: ClientConnection, kind: str) -> dict[str, Any]:
    with anyio.fail_after(PATIENCE):
        while True:
            message: dict[str, Any] = json.loads(await connection.recv())
            if message["type"] == kind:
                return message


async def _closed_with(connection: ClientConnection) -> tuple[int, str]:
    with anyio.fail_after(PATIENCE), pytest.raises(ConnectionClosed) as closed:
        await _listen(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def _listen(connection: ClientConnection) -> None:
    while True:
        await connection.recv()


def _is_refused(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("limit", ["streams_per_account", "streams_per_order", "streams_per_address"])
async def test_event_streams_beyond_a_limit_are_refused_until_one_ends(settings: Settings, limit: str) -> None:
    async with served(settings, **{limit: 2}) as api:
        one, other = await api.caller(), await api.caller()
        async with api.stream(one), AsyncExitStack() as second:
            await second.enter_async_context(api.stream(one))
            async with api.stream(one) as third:
                _is_refused(third)
            async with api.stream(other) as others:
                assert others.status_code == (429 if limit == "streams_per_address" else 200)
            assert api.counted("limiter_decisions_total", limiter="stream", decision="refused")
            await second.aclose()
            with anyio.fail_after(PATIENCE):
                while api.counted("event_streams_open") != 1:  # noqa: ASYNC110 -- a metric has no event
                    await anyio.sleep(0.02)
            async with api.stream(one) as again:
                assert again.status_code == 200


@pytest.mark.parametrize("limit", ["streams_per_account", "streams_per_order"])
async def test_sockets_beyond_a_limit_are_closed(settings: Settings, limit: str) -> None:
    async with served(settings, **{limit: 2}) as api:
        one, other = await api.caller(), await api.caller()
        async with api.stream(one), api.socket(one) as first:
            await _receive(first, "status")
            async with api.socket(one) as second:
                assert await _closed_with(second) == (4429, "too_many")
            async with api.socket(other) as others:
                await _receive(others, "status")
            async with api.stream(one) as third:
                _is_refused(third)
        assert api.counted("streams_ended_total", kind="websocket", reason="too_many") == 1


async def test_sockets_beyond_the_limit_of_an_address_are_refused_at_the_handshake(settings: Settings) -> None:
    async with served(settings, streams_per_address=1) as api:
        one, other = await api.caller(), await api.caller()
        async with api.socket(one) as first:
            await _receive(first, "status")
            with pytest.raises(InvalidStatus) as refused:
                async with api.socket(other):
                    pass
            answer = refused.value.response
            assert (answer.status_code, json.loads(answer.body or b"")["code"]) == (429, "too_many_streams")
            assert answer.headers["Retry-After"]
            async with api.stream(other) as stream:
                _is_refused(stream)


async def test_sockets_of_one_account_are_announced_once(settings: Settings) -> None:
    """Sockets of one account receive one join message between them: that of the first."""
    count = 12
    async with served(settings) as api, AsyncExitStack() as stack:
        caller = await api.caller()
        sockets = [await stack.enter_async_context(api.socket(caller)) for _ in range(count)]
        for connection in sockets:
            await _receive(connection, "status")
        delivered = api.counted("fanout_messages_total", source="local") or 0
        assert delivered <= count, "not the square"
        last = sockets.pop()
        await last.send(json.dumps({"type": "leave"}))
        assert (await _closed_with(last))[0] == 1000
        await sockets[0].send(json.dumps({"type": "message", "text": "alone?"}))
        with anyio.fail_after(PATIENCE):
            kinds = set()
            while "message" not in kinds:
                kinds.add(json.loads(await sockets[1].recv())["type"])
        assert "leave" not in kinds, "the account is still there"


async def test_presence_reports_the_first_and_the_last_socket_of_each_account_in_each_room(settings: Settings) -> None:
    del settings
    presence, one, two = Presence(), UUID(int=1), UUID(int=2)
    assert [presence.enter(one, one), presence.enter(one, one), presence.enter(one, two)] == [True, False, True]
    assert presence.enter(two, one)
    assert [presence.leave(one, one), presence.leave(one, one), presence.leave(one, two)] == [False, True, True]
    assert presence.enter(one, one)
