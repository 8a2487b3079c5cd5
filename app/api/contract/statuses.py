"""Error responses that many operations share, documented once."""

from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final

from app.api.problems import DOCUMENTED, MEDIA_TYPE, title

_ANY: Final[Mapping[int, str]] = {
    400: "Missing, duplicate, invalid or unknown Host, a duplicate header field, or too many parameters",
    414: "The path and the query are too long",
    431: "The header fields are too many or too large",
    500: "Internal error of the service, logged with the request_id and the trace_id",
}
_OF_THE_API: Final[Mapping[int, str]] = {
    429: "A limit is reached; Retry-After states the seconds to wait",
    503: "A dependency is unavailable or the service is overloaded; Retry-After states the seconds to wait",
}
_WITH_A_BODY: Final[Mapping[int, str]] = {
    400: "The body does not match its Content-Type, or the Host is missing, duplicate, invalid or unknown",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body has a content coding, such as gzip; send it without one",
    422: "Fields are not valid; `errors` lists the first 20",
}
_WITH_PARAMETERS: Final[Mapping[int, str]] = {422: "Parameters are not valid; `errors` lists the first 20"}
_WITH_A_TOKEN: Final[Mapping[int, str]] = {401: "The access token is missing, not valid or expired"}


def add_statuses(path: str, operation: dict[str, Any]) -> None:
    """Adds the shared error responses to an operation, and an example to each of its error responses."""
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's schema, which this API replaces
    for status, about in _refusals(path, operation).items():
        responses.setdefault(str(status), deepcopy(DOCUMENTED) | {"description": about})
    for status, response in responses.items():
        content = response.get("content", {}).get(MEDIA_TYPE)
        if content is not None:
            content["examples"] = {_name(int(status)): {"value": _example(path, int(status), response["description"])}}
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(path: str, operation: Mapping[str, Any]) -> dict[int, str]:
    found = dict(_ANY)
    if path.startswith("/api/"):
        found |= _OF_THE_API
    if operation.get("parameters"):
        found |= _WITH_PARAMETERS
    if operation.get("requestBody"):
        found |= _WITH_A_BODY
    if operation.get("security"):
        found |= _WITH_A_TOKEN
    return found


def _example(path: str, status: int, about: str) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": title(status),
        "status": status,
        "detail": f"{about}.",
        "instance": path,
        "code": _name(status),
        "request_id": "4f0c1d6e2b9a4c3f8e7d6a5b4c3d2e1f",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        example["errors"] = [
            {"field": "query.page", "message": "Input should be 1 or more", "code": "greater_than_equal"}
        ]
    return example


def _name(status: int) -> str:
    return title(status).lower().replace(" ", "_")
