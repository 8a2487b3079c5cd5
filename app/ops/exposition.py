"""Metrics in the format that the caller accepts."""

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
    """Returns /metrics: text, or OpenMetrics for those who accept it."""
    application = make_wsgi_app(registry)

    def answer(environment: WSGIEnvironment) -> Reply:
        headers: dict[str, str] = {}

        def start(_status: str, given: list[tuple[str, str]], *_rest: object) -> None:
            headers.update(given)

        asked = {**environment, "REQUEST_METHOD": "GET", "HTTP_ACCEPT": _understood(environment.get("HTTP_ACCEPT", ""))}
        return Reply(HTTPStatus.OK, b"".join(application(asked, start)), headers=headers)

    return Endpoint("what Prometheus scrapes", {"GET": answer})


def _understood(accept: str) -> str:
    """Returns the Accept header, or nothing where it names a version that is none: the library fails on these."""
    return "" if _NO_VERSION.search(accept) else accept
