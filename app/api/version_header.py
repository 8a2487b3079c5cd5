"""Routes `/api/items` to a version of the API by the header X-API-Version, which is 1 by default."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems

_PREFIX: Final = "/api/items"
_HEADER: Final = b"x-api-version"
_VERSIONS: Final = {b"1": "/api/v1/items", b"2": "/api/v2/items"}


class Versioning:
    """Middleware that adds the version to the path of a request before routing.

    Metrics and traces show the versioned path; the access log keeps the requested one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{_PREFIX}/"):
            await self._app(scope, receive, send)
            return

        wanted = [value for name, value in scope["headers"] if name == _HEADER] or [b"1"]
        version = wanted[0] if len(wanted) == 1 else b""

        async def send_versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"vary", b"X-API-Version")]
                if version in _VERSIONS:
                    message["headers"].append((_HEADER, version))
            await send(message)

        if version not in _VERSIONS:
            detail = "X-API-Version must be 1 or 2."
            refusal = problems.answer(Request(scope), HTTPStatus.BAD_REQUEST, "unknown_api_version", detail)
            await refusal(scope, receive, send_versioned)
            return
        asked = scope["path"], scope.get("raw_path")
        # In place, since outer layers read the route from this scope.
        scope["path"] = _VERSIONS[version] + asked[0].removeprefix(_PREFIX)
        scope["raw_path"] = scope["path"].encode()
        try:
            await self._app(scope, receive, send_versioned)
        finally:
            scope["path"], scope["raw_path"] = asked
