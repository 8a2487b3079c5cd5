"""Every answer has the security and cache headers: successes, refusals and failures alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from app.processes.api import create_app
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def _has_the_headers(answer: httpx2.Response) -> None:
    headers = answer.headers
    assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_list("Content-Security-Policy") == [API_POLICY]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert 0 < float(headers["X-Process-Time"]) < 30
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/api/v1/items", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/v1/items", 405),
        ("POST", "/api/v1/auth/register", 422),
    ],
)
async def test_each_kind_of_answer_has_the_headers(api: Api, method: str, path: str, status: int) -> None:
    answer = await api.client.request(method, path)
    assert answer.status_code == status
    _has_the_headers(answer)


async def test_refusals_of_the_edge_have_the_headers(api: Api) -> None:
    too_many = {f"X-{number}": "x" for number in range(100)}
    too_long = {"X-Long": "x" * 33_000}
    for answer, status in (
        (await api.client.get("/api/v1/items", headers=too_many), 431),
        (await api.client.get("/api/v1/items", headers=too_long), 431),
        (await api.client.get("/api/v1/items?search=" + "x" * 9_000), 414),
        (await api.client.post("/api/v1/items", headers={"Content-Length": "1000001"}), 413),
    ):
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        _has_the_headers(answer)
    assert (await api.client.get("/livez", headers={"X-Long": "x" * 30_000})).status_code == 200


async def test_a_failure_has_the_headers_and_is_still_reported(api: Api) -> None:
    @api.binnacle.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("boom")

    answer = await api.client.get("/broken", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["RateLimit"]
    _has_the_headers(answer)
    counted = api.binnacle.telemetry.registry.get_sample_value(
        "http_requests_total", {"method": "GET", "route": "/broken", "status": "500"}
    )
    assert counted == 1


async def test_private_answers_are_stored_by_no_cache(api: Api) -> None:
    assert "Cache-Control" not in (await api.client.get("/api/v1/items")).headers
    form = {"username": "nobody", "password": "wrong password"}
    assert (await api.client.post("/api/v1/auth/token", data=form)).headers["Cache-Control"] == "no-store"
    client = await api.login()
    for path in ("/api/v1/users/me", "/api/v1/orders", "/nothing"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-store"
    assert (await client.get("/docs")).headers["Cache-Control"].startswith("public")


@asynccontextmanager
async def _client(settings: Settings, **changes: object) -> AsyncIterator[httpx2.AsyncClient]:
    binnacle = create_app(settings.model_copy(update=changes))
    async with binnacle.app.router.lifespan_context(binnacle.app):
        transport = httpx2.ASGITransport(app=binnacle)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield client


async def test_hsts_is_sent_in_production_only(settings: Settings) -> None:
    async with _client(settings, environment="production") as client:
        assert (await client.get("/livez")).headers["Strict-Transport-Security"] == "max-age=31536000"


ORIGIN = "https://shop.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,if-match"}


async def test_allowed_origins_may_call(settings: Settings) -> None:
    async with _client(settings, cors_origins=[ORIGIN]) as client:
        allowed = await client.options("/api/v1/items", headers={"Origin": ORIGIN, **PREFLIGHT})
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        for path, status in (("/api/v1/items", 200), ("/nothing", 404)):
            answer = await client.get(path, headers={"Origin": ORIGIN})
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert {"ETag", "Location", "RateLimit", "X-Request-ID"} <= set(
                answer.headers["Access-Control-Expose-Headers"].split(", ")
            )
            assert "Origin" in answer.headers["Vary"]


async def test_other_origins_may_not_call(settings: Settings) -> None:
    async with _client(settings, cors_origins=[ORIGIN]) as client:
        for other in ("https://evil.example.com", "null", f"{ORIGIN}.evil.org"):
            refused = await client.options("/api/v1/items", headers={"Origin": other, **PREFLIGHT})
            assert (refused.status_code, refused.json()["code"]) == (400, "cors_refused")
            assert other not in refused.text
            assert "Access-Control-Allow-Origin" not in refused.headers
            read = await client.get("/api/v1/items", headers={"Origin": other})
            assert "Access-Control-Allow-Origin" not in read.headers
    async with _client(settings) as client:
        answer = await client.options("/api/v1/items", headers={"Origin": ORIGIN, **PREFLIGHT})
        assert answer.status_code == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
