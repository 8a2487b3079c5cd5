"""Endpoint of the metrics, in the format that the client accepts."""

import re
from http import HTTPStatus
from typing import Final
from wsgiref.types import WSGIEnvironment

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

from app.ops.endpoints import Endpoint
from app.ops.json_http import Reply

_NO_VERSION: Final = re.compile(r"version=(?!\d{1,4}(?:\.\d{1,4}){0,2}\s*(?:[;,]|$))", re.ASCII | re.IGNORECASE)


def exposition(registry: CollectorRegistry) -> Endpoint:
    """Returns the endpoint of /metrics: Prometheus text format, or OpenMetrics if the client accepts it."""
    application = make_wsgi_app(registry)

    def answer(environment: WSGIEnvironment) -> Reply:
        headers: dict[str, str] = {}

        def start(_status: str, given: list[tuple[str, str]], *_rest: object) -> None:
            headers.update(given)

        asked = {**environment, "REQUEST_METHOD": "GET", "HTTP_ACCEPT": _understood(environment.get("HTTP_ACCEPT", ""))}
        return Reply(HTTPStatus.OK, b"".join(application(asked, start)), headers=headers)

    return Endpoint("Metrics for Prometheus", {"GET": answer})


def _understood(accept: str) -> str:
    """Returns the Accept header, or an empty one if its version is malformed, on which prometheus_client fails."""
    return "" if _NO_VERSION.search(accept) else accept
