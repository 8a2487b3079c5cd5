"""Every error is a problem detail that leads to its log line and discloses nothing."""

import re
from typing import Any

import httpx2
import pytest

from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

LARGEST_BODY = 1_000_000
JSON = {"Content-Type": "application/json"}


def _problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", problem["trace_id"])
    return problem


async def test_each_kind_of_refusal_is_a_problem_with_its_own_code(api: Api) -> None:
    client = api.client
    assert _problem(await client.get("/nothing?token=t0p"), 404, "not_found")["instance"] == "/nothing"
    refused = await client.delete("/api/v1/items")
    _problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, HEAD, POST", "all that the path knows, not those of one route"
    taken = await client.put("/api/v1/items/export")
    _problem(taken, 405, "method_not_allowed")
    assert taken.headers["Allow"] == "GET, HEAD"
    _problem(await client.get("/api/v1/items/sextant"), 404, "not_found")
    _problem(await client.get("/api/v1/orders"), 401, "unauthenticated")
    _problem(await client.post("/api/v1/auth/register", json={}), 422, "validation_failed")
    _problem(await client.get("/api/v1/items/00000000-0000-0000-0000-000000000000"), 404, "item_not_found")
    _problem(await client.get("/api/v1/items/"), 404, "not_found")


async def test_the_trace_of_a_problem_is_the_callers(api: Api) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    answer = await api.client.get("/nothing", headers={"traceparent": traceparent})
    assert _problem(answer, 404, "not_found")["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_body_above_the_limit_is_refused_in_each_encoding(api: Api) -> None:
    client = await api.login()
    item = b'{"name": "Sextant", "price": "1.00", "description": "%s"}'
    exact = item % (b"x" * (LARGEST_BODY - len(item) + 2))
    assert len(exact) == LARGEST_BODY
    _problem(await client.post("/api/v1/items", content=exact, headers=JSON), 422, "validation_failed")

    async def chunks() -> Any:
        for _ in range(LARGEST_BODY // 50_000 + 1):
            yield b" " * 50_000

    for path in ("/api/v1/items", "/api/v1/orders", "/api/v1/auth/register"):
        for content in (exact + b" ", chunks()):
            _problem(await client.post(path, content=content, headers=JSON), 413, "content_too_large")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    _problem(await client.post("/api/v1/auth/token", content=exact + b" ", headers=form), 413, "content_too_large")
    _problem(await client.post("/api/v1/auth/token", content=chunks(), headers=form), 413, "content_too_large")
    _problem(await client.post("/nothing", content=exact + b" ", headers=JSON), 413, "content_too_large")


async def test_input_is_never_repeated(api: Api) -> None:
    account = {"username": "s3cret typed", "email": "s3cret", "password": "s3cret", "password_confirm": "s3cret!"}
    answer = await api.client.post("/api/v1/auth/register", json=account)
    assert len(_problem(answer, 422, "validation_failed")["errors"]) == 3
    assert "s3cret" not in answer.text
    wrong = await api.client.post("/api/v1/auth/token", json={"username": "s3cret", "password": "s3cret"})
    assert "s3cret" not in wrong.text


async def test_a_valid_request_id_is_kept_and_an_invalid_one_replaced(api: Api) -> None:
    async def request_id_for(given: bytes) -> str:
        answer = await api.client.get("/livez", headers={b"X-Request-ID": given})
        return str(answer.headers["X-Request-ID"])

    for valid in ("abc", "req-1_2.3", "x" * 128):
        assert await request_id_for(valid.encode()) == valid
    for other in ("", "x" * 129, "a b", 'a"b', "a/b", "a,b", "<script>", "\u00e4", "a\nb"):
        assert re.fullmatch("[0-9a-f]{32}", await request_id_for(other.encode()))
    none = [(await api.client.get("/livez")).headers["X-Request-ID"] for _ in range(2)]
    assert len(set(none)) == 2


async def test_the_document_describes_the_problems(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    assert set(document["components"]["schemas"]["Problem"]["properties"]) >= {"code", "request_id", "trace_id"}
    for operations in document["paths"].values():
        for operation in operations.values():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"400", "431", "500"} <= refusals.keys()
            for answer in refusals.values():
                assert {"application/problem+json", "application/json"} & answer["content"].keys()
