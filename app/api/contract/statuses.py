"""Refusals that many operations share, documented once."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from app.api.problems import DOCUMENTED, title

_ANY: Final[Mapping[int, str]] = {
    400: "not exactly one valid Host that is served here, a header field twice, or too many parameters",
    414: "the path and the query are too long",
    431: "too many headers, or too large ones",
    500: "a fault of the service, recorded under the request_id and the trace_id",
}
_OF_THE_API: Final[Mapping[int, str]] = {
    429: "a limit is reached; Retry-After says when to come back",
    503: "a dependency is gone for now, or too much is under way; Retry-After says when to come back",
}
_WITH_A_BODY: Final[Mapping[int, str]] = {
    400: "the body is not what Content-Type says, or it came with not exactly one Host that is served here",
    408: "the body did not arrive in time",
    413: "the body is too large",
    415: "the body is encoded, such as with gzip; send it as it is",
    422: "fields are not as they should be; `errors` names the first 20",
}
_WITH_PARAMETERS: Final[Mapping[int, str]] = {422: "parameters are not as they should be; `errors` names the first 20"}
_WITH_A_TOKEN: Final[Mapping[int, str]] = {401: "no access token, or one that is not valid (any more)"}


def add_statuses(path: str, operation: dict[str, Any]) -> None:
    """Adds the shared refusals of an operation, and an example to each of its refusals."""
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's schema, which this API replaces
    for status, about in _refusals(path, operation).items():
        responses.setdefault(str(status), DOCUMENTED | {"description": about})
    for status, response in responses.items():
        for content in _problems(response):
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


def _problems(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the contents that are problem details, copied, since responses share them."""
    response["content"] = {kind: dict(content) for kind, content in response.get("content", {}).items()}
    for kind, content in response["content"].items():
        if kind in DOCUMENTED["content"]:
            yield content
    if not response["content"]:
        del response["content"]


def _example(path: str, status: int, about: str) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": title(status),
        "status": status,
        "detail": f"{about[0].upper()}{about[1:]}.",
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
