"""Bodies that break stacks: whatever comes, the answer is a problem detail below 500."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

PATHS = ("/api/v1/items", "/api/v1/orders", "/api/v1/auth/register", "/api/v1/auth/token")
JSON = {"Content-Type": "application/json"}
MODELS: dict[str, dict[str, Any]] = {
    "/api/v1/items": {"name": "Sextant", "description": "", "price": "1.00", "currency": "EUR", "stock": 1},
    "/api/v1/orders": {"lines": [{"item_id": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1", "quantity": 1}]},
    "/api/v1/auth/register": {
        "username": "ada",
        "email": "ada@example.com",
        "password": "correct horse battery",
        "password_confirm": "correct horse battery",
    },
}
EXOTIC = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"a": 1',
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"name": "\xed\xa0\x80"}',
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b"1" * 10_000,
    b'{"\\ud800": 1}',
    b'{"lines": [{"\\ud800": 1}]}',
    b'{"name": "a", "name": "b"}',
)
ATOMS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", '"\\ud800"', '"\\u0000"', "null", "true", "0.1",
         "[]", "{}", '""', "9" * 100, '"\\ud83d"', "-0.0", '"1e999"', '"NaN"')  # fmt: skip

TEXT = st.text(st.characters(), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A body that is right but for some of its fields, so that it comes past the first check."""
    path = draw(st.sampled_from(sorted(MODELS)))
    body = dict(MODELS[path])
    for field in draw(st.lists(st.sampled_from(sorted(body)), min_size=1, max_size=2)):
        body[field] = draw(VALUES)
    if "lines" in body and draw(st.booleans()):
        field = draw(st.sampled_from(["item_id", "quantity"]))
        body["lines"] = [MODELS[path]["lines"][0] | {field: draw(VALUES)}]
    return path, draw(st.just(body) | VALUES)


async def _post(api: Api, path: str, content: bytes) -> None:
    answer = await api.client.post(path, content=content, headers=JSON)
    assert answer.status_code < 500, (path, content[:100], answer.text)
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@hypothesis_settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=_bodies())
async def test_no_json_breaks_the_service(api: Api, case: tuple[str, Any]) -> None:
    if "Authorization" not in api.client.headers:
        await api.login()
    path, body = case
    await _post(api, path, json.dumps(body).encode())


async def test_no_exotic_body_breaks_the_service(api: Api) -> None:
    await api.login()
    for path in PATHS:
        for content in EXOTIC:
            await _post(api, path, content)
    for path, model in MODELS.items():
        for field in (*model, "unknown"):
            for atom in ATOMS:
                rest = {name: value for name, value in model.items() if name != field}
                await _post(api, path, f'{json.dumps(rest)[:-1]}, "{field}": {atom}}}'.replace("{,", "{").encode())


async def test_a_body_of_another_kind_is_refused(api: Api) -> None:
    client = await api.login()
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        for path in ("/api/v1/items", "/api/v1/orders", "/api/v1/auth/register"):
            answer = await client.post(path, content=b"name=x", headers={"Content-Type": kind})
            assert answer.status_code == 422, (path, kind)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=\xff", "multipart/form-data; boundary=b"):
        answer = await client.post(PATHS[3], content=b"--b\r\n\r\n", headers={b"Content-Type": kind.encode("latin-1")})
        assert 400 <= answer.status_code < 500, kind
        assert answer.headers["Content-Type"] == "application/problem+json"
