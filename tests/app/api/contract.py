"""Operations of the OpenAPI document, with their parameters, body samples and body fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SAMPLES = {
    "uuid": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1",
    "date-time": "2099-01-01T00:00:00Z",
    "email": "ada@example.com",
    "password": "a password that nobody has",
}


@dataclass(frozen=True)
class Operation:
    """`parameters` are (location, name); `body` is a valid sample, or None; `fields` are paths in it."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    media_type: str | None
    body: Any
    fields: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, hostile: str | None = None, value: str = "") -> str:
        """The path with sample ids, and `value` in place of one of them."""
        path = self.path
        for place, name in self.parameters:
            if place == "path":
                path = path.replace(f"{{{name}}}", value if name == hostile else SAMPLES["uuid"])
        return path


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), None)
            body = _sample(document, content[media_type]["schema"]) if media_type else None
            yield Operation(
                method.upper(),
                path,
                tuple((parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())),
                media_type,
                body,
                tuple(_paths(body)),
            )


def replaced(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with another value at a path."""
    if not path:
        return value
    if isinstance(body, list):
        return [replaced(item, path[1:], value) if number == path[0] else item for number, item in enumerate(body)]
    return {**body, path[0]: replaced(body[path[0]], path[1:], value)}


def _paths(body: Any, above: Path = ()) -> Iterator[Path]:
    children = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, child in children:
        yield (*above, name)
        yield from _paths(child, (*above, name))


def _sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:  # noqa: PLR0911 -- one return for each kind of schema
    if "$ref" in schema:
        return _sample(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "properties" in schema:
        example = schema.get("examples", [{}])[0]
        return {name: _sample(document, inner) for name, inner in schema["properties"].items()} | example
    stated = [*schema.get("examples", ()), *schema.get("enum", ())]
    if stated or "const" in schema:
        return stated[0] if stated else schema["const"]
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "array":
        return [_sample(document, schema["items"])]
    if kind in ("integer", "number", "boolean"):
        return schema.get("minimum", 1) if kind != "boolean" else True
    return SAMPLES.get(schema.get("format", ""), "a" * max(3, schema.get("minLength", 0)))
