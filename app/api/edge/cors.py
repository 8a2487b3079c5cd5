"""CORS: pages of the origins in CORS_ORIGINS may call the API from a browser; by default, none may."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ASKED: Final = ("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "X-API-Version",
                "X-Request-ID", "traceparent")  # fmt: skip
ANSWERED: Final = ("Content-Disposition", "ETag", "Idempotency-Replayed", "Location", "RateLimit",
                   "RateLimit-Policy", "Retry-After", "Warning", "X-API-Version", "X-Process-Time", "X-RateLimit-Limit",
                   "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID")  # fmt: skip


def readable_by(origin: bytes | None, allowed: Collection[str]) -> list[tuple[bytes, bytes]]:
    """Returns CORS headers for a response that does not pass the middleware."""
    if origin is None or not ("*" in allowed or origin.decode("latin-1") in allowed):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"Retry-After, X-Request-ID"),
        (b"vary", b"Origin"),
    ]


class Cors(CORSMiddleware):
    """Starlette's CORS middleware, with problem details for refused preflights.

    Credentials are not allowed: the token is sent in a header, and the API sets no cookies.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app, allow_origins=origins, allow_methods=METHODS, allow_headers=ASKED, expose_headers=ANSWERED
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                answer = self.preflight_response(headers)
                if answer.status_code == HTTPStatus.BAD_REQUEST:
                    answer = problems.answer(
                        Request(scope),
                        HTTPStatus.BAD_REQUEST,
                        "cors_refused",
                        "Pages of this origin may not send this method or these headers.",
                        headers={"Vary": answer.headers["Vary"]},
                    )
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
