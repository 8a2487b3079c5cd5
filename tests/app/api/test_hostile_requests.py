"""Fuzzes every operation of the document: each of its fields, headers and parameters.

Whatever is sent, the answer is below 500; a refusal is a problem detail and never repeats a secret.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

import httpx2
import pytest

from app.processes.api import Binnacle, create_app
from app.settings import Settings
from tests.app.accounts.logged_in import new_account
from tests.app.api.contract import FORM, JSON, Operation, operations, replaced
from tests.app.conftest import Api
from tests.support.asgi_scopes import http_scope

pytestmark = pytest.mark.anyio

CANARY = "hunter2-4e1f9c"
TOKENS = (
    "null", "true", "0.1", "-1", "[]", "{}", '""', "1e-999", "-0.0", "9" * 100, "9" * 5000, '"1e999"', '"NaN"',
    '"\\u0000"', '"a\\u0000b"', '"\\uffff"', '"\x7f"', '"' + "x" * 100_000 + '"', "[" * 900 + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900, '[{"\\ud800": 1}]', "1" * 20 + "." + "1" * 20,
    '"2099-13-45T99:99:99Z"', '"0001-01-01T00:00:00+23:59"',
)  # fmt: skip
# Invalid for every field, whatever its type: it never reaches a database.
NEVER_RIGHT = (
    "[[[]]]", '{"a": {"b": 1}}', "1e999", "-1e999", "NaN", "Infinity", "-Infinity", '"\\ud800"', '"\\ud83d"', "'1'",
    "[" * 100_000,
)  # fmt: skip
WHOLE = (
    b"", b"null", b"[]", b"0", b'"x"', b"{", b'{"a": 1', b"{}", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 200_000,
    b'{"a":' * 100_000, b"1" * 10_000, b'{"\\ud800": 1}', b'{"name": "\xed\xa0\x80"}', b'{"name": "\xff"}',
    b'{"name": "a", "name": "b"}', b"\x00" * 100, b"a=b&c=d", b"--b\r\n\r\n",
)  # fmt: skip
TEXTS = (
    b"", b"\x00", b"a\x00b", b"\xff", b"\xed\xa0\x80", b"NaN", b"1e999", b"-1", b"9" * 100, b"x" * 5_000, b"[]", b"{}",
    b"null", b"%", b"%00", b"\xf0\x9f\x98\x80", b"' OR 1=1 --", b"%s%n", b"..", b"\xc0\x80", b"0001-01-01", b"\\", b"*",
    b'"' * 50, b"(" * 500,
)  # fmt: skip
HEADERS = ("Authorization", "Accept", "Accept-Encoding", "Content-Length", "Content-Type", "Cookie", "Forwarded",
           "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "Origin", "Range", "traceparent",
           "tracestate", "X-API-Version", "X-Forwarded-For", "X-Request-ID")  # fmt: skip
BEARERS = (
    b"",
    b"x",
    b"a.b.c",
    b".." * 10,
    b"\xff.\xff.\xff",
    b"e30.e30.e30",
    b"x" * 20_000,
    b"eyJhbGciOiJub25lIn0.e30.",
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Shop:
    """Calls the API through ASGI, byte for byte, with requests that no HTTP client would send."""

    def __init__(self, binnacle: Binnacle, token: str) -> None:
        self._binnacle = binnacle
        self._token = token.encode()
        self.operations = list(operations(binnacle.app.openapi()))

    async def call(
        self,
        operation: Operation,
        *,
        path: str | None = None,
        query: bytes = b"",
        headers: Mapping[str, bytes] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer, after checking that it is harmless."""
        path = operation.filled() if path is None else path
        if body is None:
            body = self.encoded(operation, operation.body)
        sent = {b"host": b"shop", b"authorization": b"Bearer " + self._token}
        if operation.media_type:
            sent |= {b"content-type": operation.media_type.encode(), b"content-length": b"%d" % len(body)}
        sent |= {name.lower().encode(): value for name, value in (headers or {}).items()}
        messages: list[Any] = []
        parts: Iterator[Any] = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(parts, None) or await asyncio.Event().wait()  # the client stays connected

        async def send(message: Any) -> None:
            messages.append(message)

        decoded = unquote(path, errors="replace")
        scope = http_scope(operation.method, decoded, raw_path=path.encode(), query=query, headers=sent.items())
        async with asyncio.timeout(20):
            await self._binnacle(scope, receive, send)
        status, given = messages[0]["status"], dict(messages[0]["headers"])
        answer = Answer(status, given, b"".join(message.get("body", b"") for message in messages[1:]))
        self._is_harmless(answer, f"{operation}: {path[:200]} {query[:200]!r} {headers} {body[:200]!r}")
        if "Authorization" not in (headers or {}) and "/auth/" not in path:
            assert status != 401, f"{operation}: the token has ended, and what follows would test nothing"
        return answer

    @staticmethod
    def encoded(operation: Operation, body: Any) -> bytes:
        if operation.media_type == FORM:
            return urlencode(body).encode()
        return json.dumps(body).encode() if operation.media_type else b""

    @staticmethod
    def _is_harmless(answer: Answer, sent: str) -> None:
        # 503 is an answer too: nothing listens at the provider's address.
        assert answer.status < 500 or answer.status in (503, 504), (sent, answer.body)
        if answer.status >= 400:
            assert answer.headers[b"content-type"] == b"application/problem+json", sent
            problem = json.loads(answer.body)
            assert problem["status"] == answer.status, sent
            assert CANARY.encode() not in answer.body, sent
            assert len(answer.body) < 8_000, sent
        for name, value in answer.headers.items():
            assert CANARY.encode() not in value, (sent, name)


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    """The API without rate limits, called by an administrator, who may use every operation."""
    unlimited = settings.model_copy(update={"rate_limit_reads": 0, "rate_limit_writes": 0})
    async with AsyncExitStack() as stack:
        binnacle = create_app(unlimited)
        await stack.enter_async_context(binnacle.app.router.lifespan_context(binnacle.app))
        transport = httpx2.ASGITransport(app=binnacle)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))
        admin = await new_account(Api(binnacle, client), unlimited, "captain", "admin")
        yield Shop(binnacle, admin.bearer["Authorization"].removeprefix("Bearer "))


async def test_every_operation_of_the_document_is_called(shop: Shop) -> None:
    assert len(shop.operations) > 25
    assert sum(len(operation.fields) for operation in shop.operations) > 40
    for operation in shop.operations:
        assert (await shop.call(operation)).status != 405, str(operation)


async def test_each_field_of_a_json_body(shop: Shop, settings: Settings) -> None:
    tokens = TOKENS if settings.database_url else (*TOKENS, *NEVER_RIGHT)
    for operation in shop.operations:
        if operation.media_type != JSON:
            continue
        for field in (*operation.fields, ("unknown",)):
            marked = replaced(
                {**operation.body, "unknown": 1} if field == ("unknown",) else operation.body, field, CANARY
            )
            for token in tokens:
                body = json.dumps(marked).replace(f'"{CANARY}"', token).encode("utf-8", "surrogatepass")
                answer = await shop.call(operation, body=body)
                if token in NEVER_RIGHT:
                    assert 400 <= answer.status < 500, (str(operation), field, token[:20])


async def test_whole_bodies(shop: Shop) -> None:
    for operation in shop.operations:
        if operation.media_type is None:
            continue
        for body in WHOLE:
            await shop.call(operation, body=body)
        for kind in (
            b"",
            b"text/plain",
            b"multipart/form-data",
            b"multipart/form-data; boundary=\xff",
            b"a/b; charset=x",
        ):
            answer = await shop.call(operation, headers={"Content-Type": kind}, body=b"name=x")
            assert 400 <= answer.status < 500, (str(operation), kind)


async def test_each_field_of_a_form(shop: Shop) -> None:
    forms = [operation for operation in shop.operations if operation.media_type == FORM]
    assert forms
    for operation in forms:
        for field in operation.fields:
            for text in TEXTS:
                rest = {name: value for name, value in operation.body.items() if name != field[0]}
                await shop.call(operation, body=urlencode({**rest, field[0]: text}).encode())
            await shop.call(operation, body=f"{field[0]}=%zz&{field[0]}=%".encode())


async def test_each_parameter_of_a_query_and_of_a_path(shop: Shop) -> None:
    for operation in shop.operations:
        queried = [name for place, name in operation.parameters if place == "query"]
        for place, name in operation.parameters:
            for text in TEXTS:
                if place == "query":
                    await shop.call(operation, query=f"{name}={quote(text)}".encode())
                    if name == queried[0]:  # a query is parsed before any parameter is read
                        await shop.call(operation, query=f"{name}=1&{name}={quote(text)}".encode())
                        await shop.call(operation, query=name.encode() + b"=" + text)
                if place == "path":
                    answer = await shop.call(operation, path=operation.filled(name, quote(text, safe="")))
                    # An empty one, or two dots, may be the path of another operation.
                    assert 400 <= answer.status < 500 or operation.method == "GET", (str(operation), text)
        await shop.call(operation, query=b"unknown=" + CANARY.encode())


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # no header but the key reaches the database
async def test_each_header(shop: Shop) -> None:
    for operation in shop.operations:
        named = [name for place, name in operation.parameters if place == "header"]
        # The edge reads some headers for every operation alike: one read and one write suffice.
        edge = HEADERS if operation.path == "/api/v1/items" else ("Content-Type",)
        for name in (*edge, *named):
            for text in TEXTS:
                await shop.call(operation, headers={name: text})


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # malformed tokens are looked up nowhere
async def test_malformed_tokens(shop: Shop) -> None:
    for operation in shop.operations:
        for token in BEARERS:
            for scheme in (b"Bearer ", b"bearer  ", b"Basic ", b""):
                await shop.call(operation, headers={"Authorization": scheme + token})


async def test_no_secret_is_repeated(shop: Shop) -> None:
    for operation in shop.operations:
        secrets = {
            name: f"{CANARY}\u00e9".encode() for name in ("Authorization", "Cookie", "If-Match", "Idempotency-Key")
        }
        await shop.call(operation, headers=secrets, query=b"q=" + CANARY.encode())
        for field in operation.fields:
            if len(field) == 1:
                wrong = {**operation.body, field[0]: [CANARY], "password": CANARY, "unknown": CANARY}
                await shop.call(operation, body=shop.encoded(operation, wrong))
