"""Behind a proxy that strips a path prefix, every path that the service returns includes the prefix."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin
from uuid import uuid4

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.processes.api import Binnacle, create_app
from app.settings import Settings, SettingsError, read
from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio]
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
PREFIX = "/tools/shop"


class StrippingProxy:
    """Forwards requests below a prefix, without it, and answers 404 to the rest."""

    def __init__(self, binnacle: Binnacle, prefix: str) -> None:
        self._binnacle = binnacle
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not scope["path"].startswith(f"{self._prefix}/"):
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b"nobody's path"})
                return
            path = scope["path"].removeprefix(self._prefix)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._binnacle(scope, receive, send)


@pytest.fixture
async def proxied(settings: Settings) -> AsyncIterator[Api]:
    binnacle = create_app(settings.model_copy(update={"root_path": PREFIX}))
    async with binnacle.app.router.lifespan_context(binnacle.app):
        transport = httpx2.ASGITransport(app=StrippingProxy(binnacle, PREFIX))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://testserver{PREFIX}") as client:
            yield Api(binnacle, client)


@on_sqlite
async def test_locations_include_the_prefix(proxied: Api) -> None:
    client = await proxied.login()
    new = {"name": f"Sextant {uuid4()}", "price": "19.90", "stock": 5}
    item = (await client.post("/api/v1/items", json=new)).raise_for_status()
    money = {"price": {"amount": "1.00", "currency": "EUR"}, "name": f"Bell {uuid4()}"}
    order = {"lines": [{"item_id": item.json()["id"], "quantity": 1}]}
    period = {"from": "2026-01-01", "to": "2026-02-01"}
    made = [
        item,
        (await client.post("/api/v2/items", json=new | money)).raise_for_status(),
        (await client.post("/api/items", json=new | {"name": f"Buoy {uuid4()}"})).raise_for_status(),
        (await client.post("/api/v1/orders", json=order)).raise_for_status(),
        (await client.post("/api/v1/reports/sales", json=period)).raise_for_status(),
    ]
    for answer in made:
        location = answer.headers["Location"]
        assert location.startswith(f"{PREFIX}/api/v")
        assert (await client.get(answer.url.join(location))).status_code == 200
    task = made[-1].url.join(made[-1].headers["Location"])
    async with asyncio.timeout(15):
        while (result := (await client.get(task)).json()["result"]) is None:  # noqa: ASYNC110 -- no event for it
            await asyncio.sleep(0.02)
    assert (await client.get(made[-1].url.join(result))).headers["Content-Type"].startswith("text/csv")


@on_sqlite
async def test_the_pages_find_their_files_and_the_document_its_paths(proxied: Api) -> None:
    document = (await proxied.client.get("/openapi.json")).json()
    assert document["servers"][0]["url"] == PREFIX
    [scheme] = document["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"] == f"{PREFIX}/api/v1/auth/token"
    for page in ("/docs", "/redoc"):
        answer = await proxied.client.get(page)
        names = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        for name in names:
            assert (await proxied.client.get(answer.url.join(name))).status_code == 200
        script = next(name for name in names if "/start-" in name)
        named = re.findall(r'"([^"]*openapi\.json)"', (await proxied.client.get(answer.url.join(script))).text)
        assert [urljoin(f"{PREFIX}{page}", name) for name in named] == [f"{PREFIX}/openapi.json"]


@on_sqlite
async def test_requests_are_counted_under_routes_without_the_prefix(proxied: Api) -> None:
    await proxied.client.get("/api/v1/items")
    counted = {"method": "GET", "route": "/api/v1/items", "status": "200"}
    assert proxied.binnacle.telemetry.registry.get_sample_value("http_requests_total", counted) == 1


@pytest.mark.parametrize("given", ["shop", "/shop/", "/", "//shop", "https://example.com", "/a b"])
def test_an_invalid_prefix_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="ROOT_PATH"):
        read(root_path=given, _env_file=None)
