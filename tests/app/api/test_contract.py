"""The OpenAPI document is complete, has valid examples, and equals the file in the repository."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scripts import contract

DOCUMENT = contract.document()
PROBLEM = "application/problem+json"
METHODS = {"get", "put", "post", "patch", "delete"}


def _operations() -> Iterator[Any]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(path, operation, id=f"{method.upper()} {path}")


each_operation = pytest.mark.parametrize(("path", "operation"), list(_operations()))


def _fits(value: Any, schema: Any) -> None:
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def _examples(content: dict[str, Any]) -> list[Any]:
    """Examples of a content: its own, or its schema's."""
    own = [example["value"] for example in content.get("examples", {}).values()]
    own += [content["example"]] if "example" in content else []
    schema = content["schema"]
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return own or list(schema.get("examples", []))


def test_the_file_in_the_repository_equals_the_generated_document(root: Path) -> None:
    for name, text in contract.files().items():
        assert (root / name).read_text() == text, f"run make generate: {name}"


@each_operation
def test_every_status_is_documented_and_every_refusal_is_a_problem(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert "default" not in responses
    expected = {"400", "431", "500"}
    expected |= {"429", "503"} if path.startswith("/api/") else set()
    expected |= {"401"} if "security" in operation else set()
    expected |= {"408", "413", "422"} if "requestBody" in operation else set()
    expected |= {"404"} if "{" in path else set()
    assert expected <= set(responses)
    for status, response in responses.items():
        if int(status) >= 400 and path.startswith("/api/"):
            assert list(response["content"]) == [PROBLEM], status


@each_operation
def test_every_request_and_response_body_has_a_valid_example(path: str, operation: dict[str, Any]) -> None:
    contents = dict(operation.get("requestBody", {}).get("content", {}))
    for status, response in operation["responses"].items():
        contents |= {f"{status} {kind}": content for kind, content in response.get("content", {}).items()}
    for name, content in contents.items():
        if name.endswith("json") or name == "application/x-www-form-urlencoded":
            examples = _examples(content)
            assert examples, f"{path}: {name} has no example"
            for example in examples:
                _fits(example, content["schema"])


@each_operation
def test_every_operation_and_parameter_has_a_description(path: str, operation: dict[str, Any]) -> None:
    assert operation.get("description"), path
    assert operation.get("tags"), path
    for parameter in operation.get("parameters", []):
        about = parameter.get("description") or parameter["schema"].get("description")
        assert about, f"{path}: {parameter['name']} has no description"


def test_operation_ids_are_short_and_unique() -> None:
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not one.isidentifier() or "api" in one] == []


def test_every_reference_resolves() -> None:
    operations = {o["operationId"]: o for methods in DOCUMENT["paths"].values() for o in methods.values()}
    for operation in operations.values():
        for response in operation["responses"].values():
            for header in response["headers"].values():
                assert "$ref" not in header or header["$ref"].rsplit("/", 1)[1] in DOCUMENT["components"]["headers"]
            for name, link in response.get("links", {}).items():
                target = operations[link["operationId"]]
                known = {f"{parameter['in']}.{parameter['name']}" for parameter in target.get("parameters", ())}
                assert link.get("parameters", {}).keys() <= known, name
                assert "requestBody" in target or "requestBody" not in link


def test_the_document_has_metadata_and_describes_its_tags() -> None:
    assert {"title", "summary", "description", "version", "license"} <= DOCUMENT["info"].keys()
    used = {tag for methods in DOCUMENT["paths"].values() for o in methods.values() for tag in o["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert all(scheme["description"] for scheme in DOCUMENT["components"]["securitySchemes"].values())


def test_no_parameter_is_nullable() -> None:
    """URLs and headers can't carry null."""
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                assert "null" not in json.dumps(parameter["schema"]), parameter["name"]


def test_the_schemas_are_valid_json_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert json.dumps(DOCUMENT)
