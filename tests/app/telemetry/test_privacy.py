"""Private input never appears in a log line, span, metric or error report; canary values stand for it."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sentry_sdk
import structlog
from fastapi import FastAPI
from prometheus_client import generate_latest
from pydantic import BaseModel, SecretStr, TypeAdapter
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.infra.database import open_database
from app.processes.api import Binnacle, create_app
from app.settings import Settings
from app.telemetry import errors
from app.telemetry.logs.third_party import ThirdPartyHandler
from tests.app.api.serving import serving
from tests.support import loopback
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import SAMPLED, UNSAMPLED, Logs, observed, recorded_logs
from tests.support.sentry_receiver import Reports, receiver

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("headers", [SAMPLED, UNSAMPLED], ids=["sampled", "unsampled"])

# Parts of the input; harmless-looking values are private too, hence those of letters only.
PASSWORD = "c4nary-password-0"
USERNAME = "canaryuser"
CANARIES = (
    PASSWORD, USERNAME, "c4nary", "canaryletters", "canary@", "Canary", "CANARY", "4111111111111111", "4111-1111",
)  # fmt: skip
WORD = "canaryletters"
CARD = 4111111111111111


@dataclass(frozen=True, slots=True)
class Emitted:
    """All telemetry of a process."""

    lines: Logs
    collector: Receiver
    reports: Reports

    def check(self, exposition: bytes, *, also: tuple[str, ...] = ()) -> None:
        """Fails if a canary is found, and names where."""
        outputs = {
            "log": self.lines.text,
            "spans": repr(self.collector.spans),
            "metrics": exposition.decode(),
            "reports": b"\n".join(self.reports.raw).decode(),
        }
        found = [
            f"{canary} in {name}: …{output[max(0, at - 300) : at + 100]}…"
            for name, output in outputs.items()
            for canary in (*CANARIES, *also)
            if (at := output.find(canary)) >= 0
        ]
        assert not found, "\n".join(found)


@pytest.fixture
def emitted(collector: Receiver) -> Iterator[Emitted]:
    """Telemetry at the debug level, including that of libraries."""
    with recorded_logs("debug") as lines, receiver() as reports:
        try:
            yield Emitted(lines, collector, reports)
        finally:
            errors.close()


@pytest.fixture
def leaking_provider() -> Iterator[str]:
    """A provider whose answers, successful and failed, hold private data."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(
                {"charges": [{"holder": "Canary Holder", "card": CARD}], "rates": "c4nary-rates"}
            ).encode()
            self.send_response(500 if self.command == "POST" else 200, "c4nary-reason")
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "c4nary-provider-cookie=1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_arguments: object) -> None:
            """Writes no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@asynccontextmanager
async def _shop(settings: Settings, emitted: Emitted, provider: str) -> AsyncIterator[tuple[Binnacle, int]]:
    change = {"otlp_endpoint": emitted.collector.endpoint, "provider_url": provider, "traces_sample_ratio": 1.0}
    secrets = {"sentry_dsn": SecretStr(emitted.reports.dsn), "provider_api_key": SecretStr("c4nary-api-key")}
    reporting = settings.model_copy(update=change | secrets)
    binnacle = create_app(reporting)
    async with serving(binnacle) as port:
        yield binnacle, port


async def _send_everything(client: httpx2.AsyncClient) -> list[str]:
    """Sends canaries by each input of the HTTP API; returns the tokens that were issued meanwhile."""
    v1 = "/api/v1"
    query = {"token": "c4nary-query", "search": WORD, "email": "canary@example.com"}
    account = {
        "username": USERNAME,
        "email": "canary@example.com",
        "password": PASSWORD,
        "password_confirm": PASSWORD,
        "display_name": "Canary Name",
    }
    account.pop("display_name")
    register, token = f"{v1}/auth/register", f"{v1}/auth/token"
    assert (await client.post(register, json=account, params=query)).status_code == 201
    for wrong in (
        account,
        account | {"password": f"{PASSWORD}!"},
        account | {"email": "canary@"},
        account | {"card": CARD},
        {"username": {"c4nary": [WORD]}, "c4nary-key": CARD},
        [WORD],
    ):
        assert (await client.post(register, json=wrong, params=query)).status_code in (409, 422)
    for content in (b'{"password": "c4nary-broken', b'"c4nary\xff"', b'{"c4nary": NaN, "x": "\\ud800"}', b"[" * 500):
        answer = await client.post(register, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)
    await client.post(register, content=b"c4nary", headers={"Content-Type": "text/c4nary"})
    await client.post(token, data={"username": USERNAME, "password": "c4nary-wrong"}, params=query)
    await client.post(token, data={"username": "c4nary nobody", "password": PASSWORD, "card": str(CARD)})
    await client.post(token, files={"password": ("Canary.txt", b"c4nary-file")})
    tokens = (await client.post(token, data={"username": USERNAME, "password": PASSWORD})).raise_for_status().json()
    refresh = tokens["refresh_token"]
    again = (await client.post(f"{v1}/auth/refresh", json={"refresh_token": refresh})).raise_for_status().json()
    await client.post(f"{v1}/auth/refresh", json={"refresh_token": refresh})  # a reuse: its family is revoked
    await client.post(f"{v1}/auth/refresh", json={"refresh_token": "c4nary-refresh"})
    tokens = (await client.post(token, data={"username": USERNAME, "password": PASSWORD})).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    await client.patch(f"{v1}/users/me", json={"display_name": "Canary Name"}, headers=bearer)
    await client.patch(f"{v1}/users/me", json={"display_name": ["Canary Name"], "email": "canary@"}, headers=bearer)
    await client.patch(
        f"{v1}/users/me", json={"email": "new.canary@example.com", "current_password": PASSWORD}, headers=bearer
    )
    await client.patch(
        f"{v1}/users/me", json={"email": "canary@example.org", "current_password": "c4nary"}, headers=bearer
    )
    await client.post(f"{v1}/users/me/delete", json={"current_password": "c4nary"}, headers=bearer)
    await client.post(
        f"{v1}/users/me/password",
        json={"current_password": "c4nary", "password": PASSWORD, "password_confirm": f"{PASSWORD}x"},
        headers=bearer,
    )
    item = {"name": "Canary Bell", "description": "c4nary text", "price": "1.00", "stock": 9}
    made = (await client.post(f"{v1}/items", json=item, params=query, headers=bearer)).raise_for_status().json()
    await client.get(f"{v1}/items", params=query)
    await client.get(f"{v1}/items/search", params={"q": WORD, "search": "Canary"})
    address = {
        "name": "Canary Buyer", "street": "Canary Wharf 1", "city": "Canary", "postal_code": "20457", "country": "DE",
    }  # fmt: skip
    order = {"lines": [{"item_id": made["id"], "quantity": 1}], "shipping_address": address, "notes": "c4nary note"}
    placed = await client.post(f"{v1}/orders", json=order, headers=bearer | {"Idempotency-Key": "c4nary-key-1"})
    assert placed.status_code == 202
    bad_orders: list[dict[str, Any]] = [
        order | {"card": CARD},
        order | {"shipping_address": address | {"postal_code": "CANARY"}},
        order | {"notes": ["c4nary"]},
        order | {"lines": [{"item_id": "c4nary", "quantity": CARD}]},
    ]
    for bad_order in bad_orders:
        await client.post(f"{v1}/orders", json=bad_order, headers=bearer | {"Idempotency-Key": "c4nary-key-1"})
    await client.get(f"{v1}/orders", headers=bearer)
    await client.get(f"{v1}/rates", params={"base": "c4nary"})
    await client.get(f"{v1}/rates", params={"base": "EUR"})
    for path in (
        f"/{WORD}", f"{v1}/orders/{CARD}", f"{v1}/orders/c4nary-id", f"{v1}/users/{WORD}", "/canary@x.de",
        f"{v1}/items/{tokens['access_token']}", f"{v1}/../{WORD}", f"{v1}/items/%63%34nary", "/c4nary%ff%0a",
        f"/ws/orders/{WORD}",
    ):  # fmt: skip
        await client.get(path, params=query, headers=bearer)
    await client.request("CANARY", f"{v1}/items")
    for bad in ("Bearer c4nary-header", "Basic Y2FuYXJ5", f"Bearer {refresh}", "c4nary"):
        assert (await client.get(f"{v1}/orders", headers={"Authorization": bad})).status_code == 401
    await client.post(f"{v1}/auth/logout", json={"refresh_token": tokens["refresh_token"]}, headers=bearer)
    return [tokens["access_token"], refresh, again["refresh_token"], again["access_token"], tokens["refresh_token"]]


async def _send_by_websocket(port: int, token: str) -> None:
    """Sends canaries by each input of a WebSocket."""
    url = f"ws://127.0.0.1:{port}/ws/orders"
    for path, options in (
        (f"/{uuid4()}?token=c4nary-query", {"subprotocols": [Subprotocol("bearer"), Subprotocol(token)]}),
        (f"/{WORD}?{WORD}", {"subprotocols": [Subprotocol("bearer"), Subprotocol("c4nary-protocol")]}),
        (f"/{uuid4()}", {"additional_headers": {"Authorization": "Bearer c4nary", "Cookie": "c=c4nary"}}),
        (f"/{uuid4()}", {"origin": "https://c4nary.example.com"}),
    ):
        with suppress(ConnectionClosed, Exception):
            async with connect(f"{url}{path}", proxy=None, **options) as socket:
                await socket.send(json.dumps({"type": "message", "text": "c4nary message"}))
                await socket.send("c4nary not json")
                await asyncio.wait_for(socket.recv(), 5)


@both
async def test_input_appears_in_no_telemetry(
    settings: Settings,
    emitted: Emitted,
    leaking_provider: str,
    headers: dict[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    also = {
        "User-Agent": "Canary/1.0 (c4nary; canary@example.com)",
        "Referer": f"https://c4nary.example.com/{WORD}?token=c4nary",
        "Cookie": "session=c4nary-cookie",
        "X-Request-ID": "c4nary ünfit".encode("latin-1").decode("latin-1"),
        "X-Forwarded-For": "c4nary",
        "Forwarded": "for=c4nary",
        "Accept-Language": WORD,
        "baggage": "user=c4nary",
        "X-C4nary": "c4nary",
    }
    async with _shop(settings, emitted, leaking_provider) as (binnacle, port):
        address = f"http://127.0.0.1:{port}"
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in (headers | also).items()]
        async with loopback.async_client(base_url=address, headers=encoded, timeout=30) as client:
            tokens = await _send_everything(client)
        await _send_by_websocket(port, tokens[0])
        await asyncio.sleep(1.5)  # the payment is attempted, and the provider's answer is malformed
    assert len(emitted.lines.lines("http_request")) > 40
    servers = [span for span in emitted.collector.spans if span.kind == 2]
    assert (len(servers) > 40) == (headers is SAMPLED)
    emitted.check(generate_latest(binnacle.telemetry.registry), also=tuple(tokens))
    streams = capfd.readouterr()
    assert "c4nary" not in streams.out + streams.err


class Form(BaseModel):
    """Model of a failing validation."""

    number: int


def _failures() -> list[Any]:
    """Errors of the service and of libraries, each with a canary in its message, notes or variables."""

    def of_pydantic() -> None:
        Form.model_validate({"number": "c4nary-pydantic"})

    def of_python() -> None:
        hidden = {"password": PASSWORD}
        hidden["c4nary-missing"]

    def of_a_parser() -> None:
        json.loads('{"c4nary": "canaryletters')

    def of_a_group() -> None:
        raise ExceptionGroup("c4nary", [ValueError("c4nary-1"), KeyError(CARD)])

    def with_notes() -> None:
        error = RuntimeError("c4nary")
        error.add_note("c4nary-note")
        raise error

    def of_a_type() -> None:
        TypeAdapter(list[int]).validate_json(b'["c4nary"]')

    def chained() -> None:
        try:
            int("c4nary-inner")
        except ValueError as error:
            raise RuntimeError(f"c4nary: {error}") from error

    def of_an_address() -> None:
        httpx2.URL("http://shop:c4nary/?token=canaryletters")

    return [of_pydantic, of_python, of_a_parser, of_a_group, with_notes, of_a_type, chained, of_an_address]


@both
async def test_values_in_errors_appear_in_no_telemetry(
    settings: Settings, emitted: Emitted, headers: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Unique violations contain the value, parser errors the input, and frames the variables."""
    app = FastAPI()
    for number, failure in enumerate(_failures()):
        app.get(f"/fails/{number}")(failure)
    async with open_database(settings) as database:

        @app.get("/violates")
        async def violates(email: str) -> None:
            insert = text(
                "INSERT INTO accounts (id, username, email, password_hash, role, is_active, created_at, generation)"
                " VALUES (:id, :name, :email, :name, 'user', true, CURRENT_TIMESTAMP, 0)"
            )
            async with database.write() as session:
                for _ in range(2):
                    await session.execute(insert, {"id": str(uuid4()), "name": WORD, "email": email})

        registered = settings.model_copy(update={"sentry_dsn": SecretStr(emitted.reports.dsn)})
        errors.configure(registered, "api")
        async with observed(app, emitted.collector.endpoint) as faulty:
            asked = [f"/fails/{number}" for number in range(len(_failures()))] + ["/violates?email=canary@example.com"]
            for path in asked:
                with suppress(Exception):
                    await faulty.client.get(path, headers=headers)
            exposition = faulty.exposition().encode()
    sentry_sdk.flush(10)
    lines = emitted.lines.lines("unhandled_error")
    assert len(lines) == len(emitted.reports.events) == len(asked)
    assert all(line["error_type"] and line["error_place"] != "nowhere" for line in lines)
    emitted.check(exposition)
    streams = capfd.readouterr()
    assert "c4nary" not in streams.out + streams.err


def test_messages_of_libraries_appear_as_their_format_string_only(emitted: Emitted) -> None:
    log = logging.getLogger("library.part")
    secret = "c4nary"
    cases: list[Callable[[], None]] = [
        lambda: log.info(f"user {secret} came"),  # noqa: G004
        lambda: log.info("user %s came" % secret),  # noqa: G002, UP031
        lambda: log.info("user " + secret),  # noqa: G003
        lambda: log.info("user %s came", secret),
        lambda: log.info("%(user)s has %(number)d", {"user": secret, "number": 3}),
        lambda: log.info("%s %r %d", {"a": secret}, [secret], 7),
        lambda: log.info("a card: %d and %s", CARD, CARD),
        lambda: log.info({"user": secret}),
        lambda: log.info("it needs %d", secret),
        lambda: log.info("too few %s %s", secret),  # noqa: PLE1206
        lambda: log.info("with extra", extra={"user": secret}),
        lambda: log.warning(ValueError(secret)),
        lambda: log.error("failed: %s", ValueError(secret), exc_info=ValueError(secret)),
        lambda: log.log(25, "odd level", stack_info=True),
        lambda: logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: <{secret}>"),  # noqa: G004
    ]
    parent, handler = logging.getLogger("library"), ThirdPartyHandler(everything=False)
    parent.addHandler(handler)
    parent.propagate = False  # arguments that don't match the format would break pytest's own handler
    try:
        for case in cases:
            case()
    finally:
        parent.propagate = True
        parent.removeHandler(handler)
    emitted.check(b"")
    assert [line["event"] for line in emitted.lines.lines()] == [
        "message_withheld", "message_withheld", "message_withheld", "user … came", "… has 3", "… … 7",
        "a card: %d and %s", "message_withheld", "it needs %d", "too few %s %s", "with extra", "message_withheld",
        "failed: ValueError", "odd level", "Task exception was never retrieved",
    ]  # fmt: skip
    assert all("at" in line for line in emitted.lines.lines("message_withheld"))


def test_a_log_line_holds_allowed_fields_only(emitted: Emitted) -> None:
    log = structlog.get_logger()
    log.info("order_finished", order_id=uuid4(), email="canary@example.com", attempts=1)
    log.info("order_finished", order_id="c4nary canary@", attempts="canary@", reason=["c4nary"], status={"a": WORD})
    log.info("user %s came", WORD)
    log.info("limits_in_memory", cause=repr(ConnectionError("c4nary")))
    first, second, third, fourth = emitted.lines.lines()
    assert first["withheld"] == ["email"]
    assert second["withheld"] == ["order_id", "attempts", "reason", "status"]
    assert third["event"] == "message_withheld"
    assert fourth["cause"] == "ConnectionError"
    emitted.check(b"")


def test_the_console_of_a_terminal_redacts_nothing() -> None:
    with _console() as lines:
        structlog.get_logger().warning("dependency_unavailable", anything="all of it", cause=repr(ValueError("inside")))
        logging.getLogger("library").warning(f"user {'ada'} came")  # noqa: G004
        try:
            int("what was typed")
        except ValueError:
            structlog.get_logger().exception("job_failed")
    assert all(word in lines.text for word in ("all of it", "inside", "user ada came", "what was typed"))


@contextmanager
def _console() -> Iterator[Logs]:
    with recorded_logs(style="console") as lines:
        yield lines
