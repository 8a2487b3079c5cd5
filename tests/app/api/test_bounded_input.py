"""Requests with thousands of fields or parameters are refused early, in an answer of bounded size."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel

from app.schemas import Input
from tests.app.api.contract import JSON, operations, replaced
from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

LARGEST_REFUSAL_BYTES = 8_000
SECRET = "hunter2-4e1f9c"
MANY = {f"{SECRET}{number}": number for number in range(5_000)}


def _objects(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all objects of a body."""
    if isinstance(body, dict):
        yield path
    children = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, child in children:
        yield from _objects(child, (*path, name))


def _at(body: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        body = body[part]
    return body


async def test_thousands_of_unknown_fields_are_one_error_for_each_object_of_each_body(api: Api) -> None:
    client = await api.login()
    seen = 0
    for operation in operations(api.binnacle.app.openapi()):
        if operation.media_type != JSON:
            continue
        for path in _objects(operation.body):
            body = replaced(operation.body, path, {**_at(operation.body, path), **MANY})
            answer = await client.request(operation.method, operation.filled(), json=body)
            if answer.status_code == 403:  # operations that need a role are covered by validating the model alone
                continue
            seen += 1
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (422, "validation_failed"), str(operation)
            codes = [error["code"] for error in problem["errors"]]
            assert codes == ["too_many_fields"], str(operation)
            assert problem["errors"][0]["field"] == ".".join(("body", *map(str, path)))
            assert len(answer.content) < LARGEST_REFUSAL_BYTES
            assert SECRET not in answer.text
    assert seen > 8


async def test_every_request_model_forbids_unknown_fields(api: Api) -> None:
    """Checks the document: each schema of a request body forbids other fields, as the base model does."""
    document = api.binnacle.app.openapi()
    forms = {"PasswordGrant"}  # OAuth 2.0 ignores unknown parameters (RFC 6749, 3.2)
    strict = {model.__name__ for model in _subclasses(Input)}
    for operation in document["paths"].values():
        for described in operation.values():
            for content in described.get("requestBody", {}).get("content", {}).values():
                for name in _referred(content["schema"], document):
                    assert name in strict | forms or "enum" in document["components"]["schemas"][name], name


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in model.__subclasses__():
        yield below
        yield from _subclasses(below)


def _referred(schema: Any, document: dict[str, Any]) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _referred(each, document)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].rsplit("/", 1)[1]
            yield name
            yield from _referred(document["components"]["schemas"][name], document)
        for key, each in schema.items():
            if key != "examples":
                yield from _referred(each, document)


async def test_a_few_unknown_fields_are_counted_beside_the_other_errors_and_not_named(api: Api) -> None:
    body = {"username": "x", f"{SECRET}-1": 1, f"{SECRET}-2": 2}
    answer = await api.client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 422
    errors = {(error["field"], error["code"]): error["message"] for error in answer.json()["errors"]}
    assert "2 unknown fields" in errors["body", "extra_forbidden"]
    assert ("body.email", "missing") in errors
    assert SECRET not in answer.text


async def test_at_most_twenty_errors_are_listed(api: Api) -> None:
    client = await api.login()
    order = {"lines": [{"item_id": "none", "quantity": 0} for _ in range(50)]}
    answer = await client.post("/api/v1/orders", json=order)
    problem = answer.json()
    assert (answer.status_code, problem["code"], len(problem["errors"])) == (422, "validation_failed", 20)
    assert "100" in problem["detail"]
    assert len(answer.content) < LARGEST_REFUSAL_BYTES


async def test_too_many_parameters_and_long_urls_are_refused(api: Api) -> None:
    many = "&".join(f"{SECRET}{number}=1" for number in range(101))
    for path in ("/api/v1/items", "/nothing", "/health"):
        answer = await api.client.get(f"{path}?{many}")
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_parameters")
        assert SECRET not in answer.text
        for long in (f"{path}?search={'x' * 8_200}", f"{path}/{'x' * 8_200}", f"{path}?{'&' * 8_200}"):
            answer = await api.client.get(long)
            assert (answer.status_code, answer.json()["code"]) == (414, "uri_too_long")
            assert answer.json()["title"] == "URI Too Long"
            assert len(answer.content) < 2_000
    hundred = "&".join(f"{SECRET}{number}=1" for number in range(100))
    answer = await api.client.get(f"/api/v1/items?{hundred}")
    assert [error["code"] for error in answer.json()["errors"]] == ["too_many_fields"]
    few = "&".join(f"{SECRET}{number}=1" for number in range(3))
    answer = await api.client.get(f"/api/v1/items?{few}")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("query", "extra_forbidden")]
    assert SECRET not in answer.text


async def test_no_refusal_grows_with_its_path(api: Api) -> None:
    for path in ("/" + "x" * 8_000, "/" + quote("\u2693" * 800), "/api/v1/items/" + "%00" * 2_000):
        answer = await api.client.get(path)
        assert answer.status_code == 404
        problem = answer.json()
        assert len(answer.content) < 2_000
        assert problem["instance"].startswith("/")
        assert problem["instance"].isascii()


async def test_a_form_with_thousands_of_fields_is_refused(api: Api) -> None:
    form = "&".join(f"{SECRET}{number}=1" for number in range(20_000))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post("/api/v1/auth/token", content=form, headers=kind)
    assert answer.status_code == 400
    assert len(answer.content) < 2_000
    assert SECRET not in answer.text


async def test_no_refusal_repeats_a_header(api: Api) -> None:
    client = await api.login()
    names = ("Idempotency-Key", "If-Match", "X-API-Version", "Last-Event-ID", "Accept", "Content-Type")
    for name in names:
        for path in ("/api/items", "/api/v1/orders"):
            answer = await client.post(path, content=json.dumps({}), headers={name: f"{SECRET}{'x' * 4_000}"})
            assert answer.status_code >= 400
            assert SECRET not in answer.text
            assert len(answer.content) < LARGEST_REFUSAL_BYTES
