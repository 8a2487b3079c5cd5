"""Restores the path prefix in `Location` that a proxy strips from requests."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Prefix:
    """Middleware that prepends the prefix to paths in `Location`."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._prefix = root_path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._prefixed(name, value) for name, value in message.get("headers", ())]
            await send(message)

        await self._app(scope, receive, send_prefixed if scope["type"] == "http" else send)

    def _prefixed(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        is_path = name.lower() == b"location" and value.startswith(b"/") and not value.startswith(b"//")
        return name, self._prefix + value if is_path else value
