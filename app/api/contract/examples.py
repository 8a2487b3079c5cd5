"""Generates examples of bodies from the examples of their fields."""

import re
from collections.abc import Mapping
from typing import Any, Final

_FORMATS: Final[Mapping[str, Any]] = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T12:00:00Z",
    "password": "correct horse battery",
    "uuid": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1",
}
# By field, or by model and field where the same name means something else.
_FIELDS: Final[Mapping[str, Any]] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwYjhmNmU1NiJ9.c2lnbmF0dXJl",
    "amount": "249.00",
    "base": "USD",
    "cancelled_at": None,
    "currency": "EUR",
    "description": "Brass.",
    "display_name": "Ada L.",
    "email": "ada@example.com",
    "ends_at": None,
    "error": None,
    "expires_in": 900,
    "failure_reason": None,
    "finished_at": None,
    "item_currency": None,
    "item_price": None,
    "kind": "make_report",
    "name": "Sextant",
    "next_cursor": None,
    "notes": "Please ring twice.",
    "rate": "0.9217",
    "refresh_token": "inHuX57OJ8_k-CipIPpkoqjY6_BbnUaSeVGKU94OefY",
    "refunded_at": None,
    "request_id": "4f0c1d6e2b9a4c3f8e7d6a5b4c3d2e1f",
    "result": None,
    "revision": "1f0c2d3e4b5a69788796a5b4c3d2e1f001122334",
    "role": "user",
    "status": "active",
    "topic": "mail_welcome",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "unit_price": "249.00",
    "username": "ada",
    "version": "1.0.0",
    "DeadLetterView.error": "The mail service did not answer.",
    "DeadLetterView.payload": {"account_id": "0b8f6e56-6c3f-4c51-9a57-0d5a4ed0a6b1"},
    "HealthReport.memory_bytes": 98_000_000,
    "ItemView.price": "249.00",
    "LineView.total": "249.00",
    "OrderDetail.total": "249.00",
    "OrderView.total": "249.00",
    "Probe.status": "ok",
}
_ONE_WORD: Final = re.compile(r"\^(\w+)\$")
_TYPES: Final[Mapping[str, Any]] = {"boolean": True, "number": 0.5, "object": {}, "string": "text"}


class Examples:
    """Generates examples that are valid against the schemas of one document."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def add(self, operation: dict[str, Any]) -> None:
        """Adds an example to each content of an operation that has none."""
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for kinds in (content.get("content", {}) for content in contents):
            for content in kinds.values():
                schema = content.get("schema")
                if schema and not {"example", "examples"} & content.keys():
                    content["example"] = self.of(schema)

    def of(self, schema: Mapping[str, Any]) -> Any:
        """Returns the schema's own example, or one that is composed of the examples of its parts."""
        if "$ref" in schema:
            return self.of(self._schemas[schema["$ref"].rsplit("/", 1)[1]])
        if schema.get("examples"):
            return schema["examples"][0]
        for keyword in ("const", "default"):
            if schema.get(keyword) is not None:
                return schema[keyword]
        if "enum" in schema:
            return schema["enum"][0]
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.of(schema[keyword][0])
        return self._of_type(schema)

    def _of_field(self, model: Mapping[str, Any], field: str, schema: Mapping[str, Any]) -> Any:
        for name in (f"{model.get('title')}.{field}", field):
            if name in _FIELDS and not {"const", "enum"} & schema.keys():
                return _FIELDS[name]
        return self.of(schema)

    def _of_type(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type", "object")
        if "properties" in schema:
            return {field: self._of_field(schema, field, part) for field, part in schema["properties"].items()}
        if kind == "array":
            return [self.of(schema["items"])]
        if kind == "integer":
            return max(1, schema.get("minimum", 1))
        word = _ONE_WORD.fullmatch(schema.get("pattern", ""))
        return word[1] if word else _FORMATS.get(schema.get("format", ""), _TYPES.get(kind))
