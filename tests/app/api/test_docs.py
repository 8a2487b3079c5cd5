"""The API's documentation pages load from this process alone, and are absent in production."""

import re
from urllib.parse import urljoin

import httpx2
import pytest

from app.processes.api import create_app
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

PAGES = ("/docs", "/redoc")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_refers_only_to_files_of_this_process(api: Api, page: str) -> None:
    answer = await api.client.get(page)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert any(name.endswith(".js") for name in named)
    for name in named:
        assert name.startswith("docs/assets/")
        asset = await api.client.get(urljoin(page, name))
        assert asset.status_code == 200
        assert len(asset.content) > 100
        assert asset.headers["Content-Type"].partition(";")[0] in ("text/javascript", "text/css", "image/png")
        assert asset.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_runs_no_script_but_the_service_s_files(api: Api, page: str) -> None:
    answer = await api.client.get(page)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data:", "ReDoc asks for a logo of somebody else's"
    assert re.findall(r"<script[^>]*>([^<]*)</script>", answer.text)
    assert not any(re.findall(r"<script[^>]*>([^<]+)</script>", answer.text))
    assert "http://" not in answer.headers["Content-Security-Policy"]


async def test_the_root_redirects_to_the_interactive_documentation(api: Api) -> None:
    answer = await api.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")
    assert (await api.client.head("/")).status_code == 307


async def test_no_other_file_is_served(api: Api) -> None:
    for name in ("pages.py", "../pages.py", "..%2f..%2fcore.py", "", "%00", "redoc.standalone.js/x"):
        assert (await api.client.get(f"/docs/assets/{name}")).status_code == 404


async def test_requests_for_the_pages_are_counted_under_their_routes(api: Api) -> None:
    asked = {"/docs": "/docs", "/redoc": "/redoc", "/openapi.json": "/openapi.json"}
    asked["/docs/assets/{name}"] = "/docs/assets/favicon.png"
    for route, path in asked.items():
        await api.client.get(path)
        sample = {"method": "GET", "route": route, "status": "200"}
        assert api.binnacle.telemetry.registry.get_sample_value("http_requests_total", sample) == 1
    assert api.binnacle.app.openapi()["paths"].keys().isdisjoint(asked)


@pytest.mark.parametrize("changes", [{"environment": "production"}, {"docs": False}], ids=["production", "off"])
async def test_disabled_pages_are_not_found(settings: Settings, changes: dict[str, object]) -> None:
    binnacle = create_app(settings.model_copy(update=changes))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://test") as client:
        for path in ("/", *PAGES, "/openapi.json", "/docs/assets/swagger-ui-bundle.js", "/docs/oauth2-redirect"):
            assert (await client.get(path)).status_code == 404
