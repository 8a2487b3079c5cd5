"""WebSocket endpoint of an order's chat room."""

from contextlib import suppress
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter, WebSocket
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect

from app.api import problems
from app.api.open_streams import Standing, TooManyStreamsError, address_of
from app.api.order_room import BY_REASON, FORBIDDEN, TOO_MANY, TRY_LATER, UNAUTHENTICATED, End, Member, Room
from app.api.readiness import ServingState
from app.api.services import Services, services_of
from app.errors import UnauthenticatedError, UnavailableError
from app.settings import Settings

SUBPROTOCOL: Final = "bearer"
_POLICY: Final = 1008
_PATH: Final = "/ws/orders/{order_id}"
_UPGRADE: Final = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


def router(settings: Settings, serving_state: ServingState) -> APIRouter:
    """Returns the routes of WebSockets."""
    routes = APIRouter()
    origins = frozenset(settings.cors_origins)

    async def order_room(socket: WebSocket, order_id: str) -> None:
        """Connects the buyer and the sellers of an order; messages are JSON objects with a `type`.

        Clients send `message` (with `text`), `ping` and `leave`. The server sends `status`, `message`, `join`, `leave`
        and `pong`; `join` and `leave` once for each account, regardless of the number of its sockets. The token is sent
        as `Authorization: Bearer …`; browsers send it as the subprotocols `bearer, …`.
        """
        if not _same_origin(socket, origins):
            await socket.close(_POLICY)  # before the handshake is accepted, so the server responds with 403
            return
        services = services_of(socket)
        try:
            with services.stream_limits.held({"address": address_of(socket)}):
                await _converse(socket, services, serving_state, order_id)
        except TooManyStreamsError as error:  # before the handshake is accepted, so a 429 is possible
            await socket.send_denial_response(problems.refuse(socket, error))

    routes.add_api_websocket_route(_PATH, order_room)
    routes.add_api_route(_PATH, _require_upgrade, include_in_schema=False)
    return routes


async def _require_upgrade(order_id: str) -> None:  # noqa: ARG001 -- in the path
    """Responds with 426 to a GET without a WebSocket handshake, which a proxy may have removed (RFC 9110, 15.5.22)."""
    detail = "This is a WebSocket. Send the handshake of RFC 6455, version 13, and let proxies forward Upgrade."
    raise HTTPException(HTTPStatus.UPGRADE_REQUIRED, detail, _UPGRADE)


async def _converse(socket: WebSocket, services: Services, serving_state: ServingState, order_id: str) -> None:
    token, subprotocol = _token(socket)
    await socket.accept(subprotocol)
    standing = Standing(services.tokens, services.access, lambda: serving_state.draining, token)
    with services.streams.counted("websocket") as ended:
        try:
            end = await _welcome(socket, services, standing, token, order_id)
        except TooManyStreamsError:
            end = TOO_MANY
        ended(end.reason)
        await _close(socket, end)


async def _welcome(socket: WebSocket, services: Services, standing: Standing, token: str, order_id: str) -> End:
    """Authorises the socket and runs its room; returns the reason to close it. Raises TooManyStreamsError."""
    try:
        reason = await standing.end()
        if reason is not None:
            return BY_REASON[reason]
        identity = services.tokens.read(token)
        order = UUID(order_id)
        role = await services.following.participant_role(order, identity.account_id)
    except UnauthenticatedError:
        return UNAUTHENTICATED
    except UnavailableError:
        return TRY_LATER
    except ValueError:
        return FORBIDDEN
    if role is None:
        return FORBIDDEN
    member = Member(identity.account_id, role)
    room = Room(socket, services.fanout, services.presence, standing, member)
    with services.stream_limits.held({"account": str(identity.account_id), "order": str(order)}):
        return await room.stay(services.following, order)


async def _close(socket: WebSocket, end: End) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):  # the client has closed it
        await socket.close(end.code, end.reason)


def _token(socket: WebSocket) -> tuple[str, str | None]:
    """Returns the token, if any, and the subprotocol to accept. The query string is not read, since it is logged."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip(), None
    offered: list[str] = socket.scope.get("subprotocols", [])
    if len(offered) > 1 and offered[0] == SUBPROTOCOL:
        return offered[1], SUBPROTOCOL
    return "", None


def _same_origin(socket: WebSocket, origins: frozenset[str]) -> bool:
    """Tests whether Origin is allowed or missing: browsers let any page open a WebSocket, but always send Origin."""
    origin = socket.headers.get("origin")
    return origin is None or origin in origins or origin.partition("://")[2] == socket.headers.get("host")
