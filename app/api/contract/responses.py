"""Builds the OpenAPI responses of an operation, for the argument `responses` of its route."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from app.api.problems import DOCUMENTED

ID: Final = "$response.body#/id"
ETAG: Final = "$response.header.ETag"
NOT_MODIFIED: Final = "Unchanged since the ETag in If-None-Match"

Responses = dict[int | str, dict[str, Any]]
# Maps the id of a linked operation to the values of its parameters; the key `body` holds the request body.
Links = Mapping[str, Mapping[str, Any]]


def refused(*statuses: int) -> Responses:
    """Documents error responses as problem details."""
    return {status: DOCUMENTED | {"description": HTTPStatus(status).phrase} for status in statuses}


def answered(
    status: int, *headers: str, about: str | None = None, kind: str | None = None, links: Links | None = None
) -> Responses:
    """Documents a response: names of headers in HEADERS, description, media type, and links to other operations."""
    response: dict[str, Any] = {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers}}
    if about is not None:
        response["description"] = about
    if kind is not None:
        response["content"] = {kind: {}}
    if links is not None:
        response["links"] = {operation: _link(operation, values) for operation, values in links.items()}
    return {status: response}


def _link(operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {name: value for name, value in values.items() if name != "body"}
    link = {"operationId": operation, "parameters": parameters, "requestBody": values.get("body")}
    return {key: value for key, value in link.items() if value}
