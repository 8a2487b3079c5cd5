"""Supports HEAD wherever GET is supported (RFC 9110, 9.3.2)."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Routes HEAD as GET, and sends the response without its content."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Returns the inner awaitable for other methods: a coroutine here would cost them a microsecond a request."""
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        return (self._answer if is_head else self._app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        async def send_head(message: Message) -> None:
            """Ends the response after its head, so that a stream detects that its client has left."""
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            if not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, send_head)
        finally:
            scope.update(asked, method="HEAD")  # outer layers read the route
