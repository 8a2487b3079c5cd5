"""HEAD is answered wherever GET is, with the same headers and no content."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.api.edge import cors
from app.processes.api import create_app
from app.settings import Settings
from tests.app.api.contract import operations
from tests.app.api.serving import connected, serving
from tests.app.conftest import Api
from tests.support import loopback
from tests.support.shops import RunningShop

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
VARYING = {"date", "x-request-id", "x-process-time", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}
PAGES = (
    *("/livez", "/readyz", "/startupz", "/version", "/api/v1/items", "/api/v2/items", "/api/items", "/docs", "/redoc"),
    *("/docs/assets/start-swagger.js", "/openapi.json", "/nothing", "/api/v1/items?page=0", "/api/v1/users/me"),
)


def _lasting(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in VARYING}


async def _compare(client: httpx2.AsyncClient, path: str, **options: Any) -> httpx2.Response:
    got, head = await client.get(path, **options), await client.head(path, **options)
    assert head.status_code == got.status_code, path
    assert head.content == b"", path
    assert _lasting(head) == _lasting(got), path
    return head


@on_sqlite
async def test_head_has_the_headers_of_get(api: Api) -> None:
    for path in PAGES:
        answer = await _compare(api.client, path)
        assert int(answer.headers["Content-Length"]) > 0
    assert (await api.client.head("/readyz")).status_code == 200
    assert (await api.client.head("/health")).status_code == 200


@on_sqlite
async def test_every_readable_operation_has_head(api: Api) -> None:
    client = await api.login()
    for operation in operations(api.binnacle.app.openapi()):
        answer = await client.head(operation.filled())
        assert (answer.status_code == 405) == (operation.method != "GET" and _is_write_only(api, operation.path))
        assert answer.content == b""


def _is_write_only(api: Api, path: str) -> bool:
    return "get" not in api.binnacle.app.openapi()["paths"][path]


@on_sqlite
async def test_an_item_is_the_same_by_head_and_get_and_304_for_a_known_version(api: Api) -> None:
    client = await api.login()
    new = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": 5}
    location = (await client.post("/api/v1/items", json=new)).raise_for_status().headers["Location"]
    unusual = location.rsplit("/", 1)[0] + "/" + location.rsplit("/", 1)[1].upper()
    for path in (location, location.replace("v1", "v2"), location.replace("/v1", ""), unusual):
        tag = (await _compare(client, path)).headers["ETag"]
        assert (await _compare(client, path, headers={"If-None-Match": tag})).status_code == 304


@on_sqlite
async def test_allow_lists_head_beside_get(api: Api) -> None:
    for method in ("DELETE", "TRACE"):
        answer = await api.client.request(method, "/api/v1/items")
        assert answer.headers["Allow"] == "GET, HEAD, POST"
    answer = await api.client.head("/api/v1/auth/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@on_sqlite
async def test_cors_allows_the_methods_that_exist(api: Api) -> None:
    served = {operation.method for operation in operations(api.binnacle.app.openapi())}
    assert set(cors.METHODS) == served | {"HEAD"}


@on_sqlite
async def test_it_is_counted_as_head_of_its_route(api: Api) -> None:
    await api.client.head("/api/items")
    counted = {"method": "HEAD", "route": "/api/v1/items", "status": "200"}
    assert api.binnacle.telemetry.registry.get_sample_value("http_requests_total", counted) == 1


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[tuple[Api, int]]:
    """The API behind the server's protocol, and its port."""
    binnacle = create_app(settings)
    async with serving(binnacle) as port, loopback.async_client(base_url=f"http://127.0.0.1:{port}") as client:
        yield Api(binnacle, client), port


@on_sqlite
async def test_the_next_answer_on_the_connection_follows_immediately(served: tuple[Api, int]) -> None:
    api, port = served
    token = (await api.login()).headers["Authorization"].encode()
    async with connected(port) as connection:
        for path in (b"/readyz", b"/livez", b"/api/v1/items/export"):
            head = b"HEAD %s HTTP/1.1\r\nHost: shop\r\nAuthorization: %s\r\n\r\n" % (path, token)
            await connection.send(head)
            assert (await connection.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await connection.send(b"GET /version HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        assert (await connection.until_closed()).count(b"HTTP/1.1 200 ") == 1


@on_sqlite
async def test_head_of_an_event_stream_leaves_nothing_open(served: tuple[Api, int]) -> None:
    api, _ = served
    await api.login()
    new = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": 5}
    item = (await api.client.post("/api/v1/items", json=new)).raise_for_status().json()
    buyer = await api.login()
    order = {"lines": [{"item_id": item["id"], "quantity": 1}]}
    location = (await buyer.post("/api/v1/orders", json=order)).raise_for_status().headers["Location"]
    answer = await buyer.head(f"{location}/events")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    registry = api.binnacle.telemetry.registry
    async with asyncio.timeout(15):
        while registry.get_sample_value("streams_ended_total", {"kind": "events", "reason": "left"}) != 1:  # noqa: ASYNC110 -- no event for it
            await asyncio.sleep(0.01)
    assert registry.get_sample_value("event_streams_open") == 0


def test_probes_and_pages_answer_head_in_running_processes(running_shop: RunningShop) -> None:
    with loopback.client() as client:
        for path in ("/livez", "/readyz", "/startupz", "/api/v1/items", "/docs"):
            answer = client.head(f"{running_shop.urls[0]}{path}")
            assert (answer.status_code, answer.content) == (200, b""), path
