"""The WebSocket room of an order: authorisation, messages across replicas, and closing."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app.api.order_room import MAX_MESSAGE_BYTES, MESSAGE_BURST
from app.processes.api import create_app
from app.settings import Settings
from tests.app.conftest import Api
from tests.support import loopback
from tests.support.customer import Shopper
from tests.support.ports import free_port
from tests.support.processes import Processes, wait_until
from tests.support.shops import RunningShop, embedded

PATIENCE = 15.0


class RoomClient:
    """A client of a room, with the messages that it received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def receive(self, kind: str) -> dict[str, Any]:
        """Returns the next message of a kind and skips others."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message: dict[str, Any] = json.loads(self.connection.recv(timeout=deadline - time.monotonic()))
            if message["type"] == kind:
                return message

    def closed_with(self) -> int:
        """The close code, once the server has closed."""
        deadline = time.monotonic() + PATIENCE
        with pytest.raises(ConnectionClosed) as closed:
            self._receive_all(deadline)
        assert closed.value.rcvd is not None, "cut without a word"
        return closed.value.rcvd.code

    def _receive_all(self, deadline: float) -> None:
        while True:
            self.connection.recv(timeout=deadline - time.monotonic())


def _token(shopper: Shopper) -> str:
    return str(shopper.client.headers["Authorization"]).removeprefix("Bearer ")


@contextmanager
def join(url: str, order_id: str, token: str | None, **options: Any) -> Iterator[RoomClient]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    address = f"{url.replace('http', 'ws', 1)}/ws/orders/{order_id}"
    with connect(address, additional_headers=headers, proxy=None, **options) as connection:
        yield RoomClient(connection)


def _sold(seller: Shopper) -> None:
    """Has the seller sell something, which the next shopper buys."""
    item = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": 5}
    seller.item_id = seller.client.post("/api/v1/items", json=item).raise_for_status().json()["id"]


def test_buyer_and_seller_exchange_messages_across_replicas_and_see_the_order_paid(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as seller, Shopper(running_shop.urls[0]) as buyer:
        _sold(seller)
        buyer.item_id = seller.item_id
        running_shop.behave(latency_ms=3000)
        order = buyer.order().json()["id"]
        with join(running_shop.urls[0], order, _token(buyer)) as one:
            state = one.receive("status")
            assert (state["order_id"], state["status"], state["final"]) == (order, "pending", False)
            with join(running_shop.urls[-1], order, _token(seller)) as other:
                while one.receive("join")["from"] != "seller":
                    pass
                other.send(type="message", text="It ships today. ⚓")
                received = one.receive("message")
                assert (received["text"], received["from"]) == ("It ships today. ⚓", "seller")
                assert other.receive("message") == received, "who said it hears it too, once"
                one.send(type="ping")
                assert one.receive("pong") == {"type": "pong"}
                for client in (one, other):
                    assert client.receive("status")["status"] == "paid"
                other.send(type="leave")
                assert other.closed_with() == 1000
            assert one.receive("leave")["from"] == "seller"
            cancelled = buyer.client.post(f"/api/v1/orders/{order}/cancel").raise_for_status()
            assert cancelled.json()["status"] == "cancelled"
            while one.receive("status")["refund"] != "refunded":
                pass


def test_other_accounts_are_refused(running_shop: RunningShop) -> None:
    url = running_shop.urls[0]
    with Shopper(url) as buyer, Shopper(url) as stranger:
        order = buyer.order().json()["id"]
        rooms: list[tuple[str, str | None, int]] = [
            (order, None, 4401),
            (order, "", 4401),
            (order, "no.token.atall", 4401),
            (order, _token(stranger), 4403),
            (str(uuid4()), _token(buyer), 4403),
            ("not-an-order", _token(buyer), 4403),
        ]
        for room, token, code in rooms:
            with join(url, room, token) as client:
                assert client.closed_with() == code, (room, token)
        with join(url, f"{order}?token={_token(buyer)}", None) as client:
            assert client.closed_with() == 4401, "a token in the address would be logged"
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            with pytest.raises(InvalidStatus) as refused, join(url, order, _token(buyer), origin=Origin(origin)):
                pass
            assert refused.value.response.status_code == 403
        with join(url, order, _token(buyer), origin=Origin(url)) as client:
            assert client.receive("status")["order_id"] == order


def test_a_browser_sends_its_token_as_a_subprotocol(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as buyer:
        order = buyer.order().json()["id"]
        offered = [Subprotocol("bearer"), Subprotocol(_token(buyer))]
        with join(running_shop.urls[0], order, None, subprotocols=offered) as client:
            assert client.connection.subprotocol == "bearer", "and never the token"
            assert client.receive("status")["order_id"] == order
    assert all(_token(buyer) not in line for api in running_shop.apis for line in api.log.read_text().splitlines())


@pytest.mark.parametrize("standing_shop", ["embedded"], indirect=True)
def test_an_invalid_message_closes_the_socket(running_shop: RunningShop) -> None:
    bad: list[tuple[str | bytes, int]] = [
        (b"\x00\x01", 1003),
        ("hello", 4400),
        ("[]", 4400),
        ('{"type":"shout","text":"a"}', 4400),
        ('{"type":"message"}', 4400),
        ('{"type":"message","text":""}', 4400),
        ('{"type":"message","text":"a","to":"b"}', 4400),
        (r'{"type":"message","text":"\u0000"}', 4400),
        (r'{"type":"message","text":"\ud800"}', 4400),
        (json.dumps({"type": "message", "text": "a" * 2001}), 4400),
        ("a" * (MAX_MESSAGE_BYTES + 1), 1009),
    ]
    with Shopper(running_shop.urls[0]) as buyer:
        order = buyer.order().json()["id"]
        for frame, code in bad:
            with join(running_shop.urls[0], order, _token(buyer)) as client:
                client.connection.send(frame)
                assert client.closed_with() == code, frame[:50]
        with join(running_shop.urls[0], order, _token(buyer)) as client:
            with suppress(ConnectionClosed):
                for _ in range(int(MESSAGE_BURST) * 10):
                    client.send(type="ping")
            assert client.closed_with() == 4429
        assert running_shop.apis[0].running()


def test_a_changed_password_and_a_stopping_replica_close_the_socket(own_shop: RunningShop) -> None:
    running_shop = own_shop
    with Shopper(running_shop.urls[0]) as buyer, Shopper(running_shop.urls[0]) as other:
        orders = [shopper.order().json()["id"] for shopper in (buyer, other)]
        with (
            join(running_shop.urls[-1], orders[0], _token(buyer)) as changed,
            join(running_shop.urls[-1], orders[1], _token(other)) as kept,
        ):
            changed.receive("status")
            kept.receive("status")
            new = "another horse battery"
            change = {"current_password": "correct horse battery", "password": new, "password_confirm": new}
            buyer.client.post("/api/v1/users/me/password", json=change).raise_for_status()
            at = time.monotonic()
            assert changed.closed_with() == 4401
            assert time.monotonic() - at < 5.5
            kept.send(type="ping")
            kept.receive("pong")
            running_shop.apis[-1].signal(signal.SIGTERM)
            at = time.monotonic()
            assert kept.closed_with() == 1012
            assert time.monotonic() - at < 3
        assert running_shop.apis[-1].wait() == 0


@pytest.mark.parametrize("standing_shop", ["embedded"], indirect=True)
def test_a_client_that_disconnects_without_a_close_frame_has_left(running_shop: RunningShop) -> None:
    with Shopper(running_shop.urls[0]) as seller, Shopper(running_shop.urls[0]) as buyer:
        _sold(seller)
        buyer.item_id = seller.item_id
        order = buyer.order().json()["id"]
        with join(running_shop.urls[0], order, _token(buyer)) as kept:
            kept.receive("join")
            with join(running_shop.urls[0], order, _token(seller)) as gone:
                kept.receive("join")
                gone.connection.socket.shutdown(socket.SHUT_RDWR)
                assert kept.receive("leave")["from"] == "seller"


def test_sockets_are_counted_until_they_end(processes: Processes) -> None:
    admin = free_port()
    running_shop = embedded(processes, ADMIN_PORT=admin)
    with Shopper(running_shop.urls[0]) as buyer:
        order = buyer.order().json()["id"]

        def counted(line: str) -> bool:
            return line in loopback.get(f"http://127.0.0.1:{admin}/metrics").text.splitlines()

        with join(running_shop.urls[0], order, _token(buyer)) as client:
            client.receive("status")
            assert counted('websocket_connections_open{route="/ws/orders/{order_id}"} 1.0')
        wait_until(
            lambda: counted('websocket_connections_open{route="/ws/orders/{order_id}"} 0.0'), 5, "no open socket"
        )
        assert counted('streams_ended_total{kind="websocket",reason="left"} 1.0')


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_client_that_does_not_answer_pings_is_disconnected(settings: Settings) -> None:
    binnacle = create_app(settings)
    config = uvicorn.Config(binnacle, log_config=None, ws_ping_interval=0.2, ws_ping_timeout=0.5)  # seconds, not 20
    server = uvicorn.Server(config)
    counted = binnacle.telemetry.registry.get_sample_value
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110 -- uvicorn has no event for it
                await asyncio.sleep(0.01)
        port = listener.getsockname()[1]
        async with loopback.async_client(base_url=f"http://127.0.0.1:{port}") as client:
            await Api(binnacle, client).login()
            item = await client.post("/api/v1/items", json={"name": "Bell", "price": "1.00", "stock": 7})
            body = {"lines": [{"item_id": item.json()["id"], "quantity": 1}]}
            order = (await client.post("/api/v1/orders", json=body)).raise_for_status().json()["id"]
            token = client.headers["Authorization"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        handshake = f"GET /ws/orders/{order} HTTP/1.1\r\nHost: shop\r\nAuthorization: {token}\r\nUpgrade: websocket\r\n"
        handshake += (
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        writer.write(handshake.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        async with asyncio.timeout(PATIENCE):
            while b"pending" not in await reader.read(4096):
                pass
            while counted("streams_ended_total", {"kind": "websocket", "reason": "left"}) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert counted("websocket_connections_open", {"route": "/ws/orders/{order_id}"}) == 0
        writer.close()
        server.should_exit = True
        await running
