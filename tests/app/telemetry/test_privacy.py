"""Canaries: what is private goes in by every door and comes out of no log, metric or span."""

import httpx2
import pytest
from prometheus_client import generate_latest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.infra.database import open_database
from app.main import create_app
from app.settings import Settings
from tests.app.otlp import Receiver
from tests.app.telemetry.recording import SAMPLED, UNSAMPLED, Logs

pytestmark = pytest.mark.anyio

PASSWORD = "c4nary-password"
QUERY = "c4nary-query"
COOKIE = "c4nary-cookie"
HEADER = "c4nary-header"


@pytest.mark.parametrize("headers", [SAMPLED, UNSAMPLED], ids=["sampled", "unsampled"])
async def test_no_canary_comes_out(
    settings: Settings, collector: Receiver, recorded: Logs, headers: dict[str, str]
) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": collector.endpoint})
    binnacle = create_app(traced)
    transport = httpx2.ASGITransport(app=binnacle)
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client,
    ):
        client.cookies.set("session", COOKIE)
        account = {
            "username": "ada",
            "email": "c4nary@example.com",
            "password": PASSWORD,
            "password_confirm": PASSWORD,
        }
        query = {"token": QUERY}
        register, token = "/api/v1/auth/register", "/api/v1/auth/token"
        await client.post(register, json=account, params=query)
        await client.post(register, json=account, params=query)
        await client.post(register, json=account | {"password": f"{PASSWORD}!"}, params=query)
        await client.post(token, data={"username": "ada", "password": f"{PASSWORD}?"}, params=query)
        answer = await client.post(token, data={"username": "ada", "password": PASSWORD}, params=query)
        bearer = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {bearer}"
        assert (await client.get("/api/v1/orders")).status_code == 200
        item = await client.post("/api/v1/items", json={"name": "Bell", "price": "1.00", "stock": 1}, params=query)
        order = {"lines": [{"item_id": item.json()["id"], "quantity": 1}]}
        assert (await client.post("/api/v1/orders", json=order, params=query)).status_code == 202
        client.headers["Authorization"] = f"Bearer {HEADER}"
        assert (await client.get("/api/v1/orders", params=query)).status_code == 401
        assert (await client.get(f"/api/v1/nothing?{QUERY}")).status_code == 404
    assert len(recorded.lines("http_request")) == 10
    spans = [span for span in collector.spans if span.kind == 2]
    assert len(spans) == (10 if headers is SAMPLED else 0)
    told = recorded.text + generate_latest(binnacle.metrics.registry).decode() + repr(collector.spans)
    for canary in (PASSWORD, QUERY, COOKIE, HEADER, bearer, "c4nary@"):
        assert canary not in told, canary


async def test_an_error_of_the_database_does_not_tell_what_was_typed(settings: Settings) -> None:
    async with open_database(settings) as database:
        with pytest.raises(DBAPIError) as failure:
            async with database.write() as session:
                await session.execute(text("INSERT INTO accounts (username) VALUES (:name)"), {"name": "c4nary"})
    assert "c4nary" not in str(failure.value).split("DETAIL")[0]
