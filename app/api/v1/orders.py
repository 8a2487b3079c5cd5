"""Endpoints of orders."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from app.api.contract.responses import ID, answered, refused
from app.api.dependencies import AppServices, Caller
from app.orders.schemas import NewOrder, OrderDetail, OrderPage, OrderQuery

router = APIRouter(prefix="/orders", tags=["orders"])
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Unique key of this request, such as a UUID; a repeat within 24 hours returns the first response",
    ),
]


@router.post(
    "",
    status_code=202,
    response_model=OrderDetail,
    summary="Place an order",
    responses=answered(
        202,
        "Idempotency-Replayed",
        "Location",
        links={name: {"path.order_id": ID} for name in ("get_order", "cancel_order", "follow_order")},
    )
    | refused(401, 404, 409, 504),
)
async def place_order(
    new: NewOrder, caller: Caller, services: AppServices, idempotency_key: IdempotencyKey = None
) -> Response:
    """Accepts an order, which is paid in the background. Poll it at Location until its status is final.

    A repeated Idempotency-Key changes nothing and returns the first response, with `Idempotency-Replayed: true`; with
    another body it is 422. A rejected order does not use up its key. The response is 404 for an unknown item, and 409,
    each with its own code, for an item that is not for sale now or has too little stock.
    """
    placed = await services.place_order(caller.account_id, new, idempotency_key)
    headers = {"Location": f"/api/v1/orders/{placed.order_id}"}
    if placed.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(placed.content, 202, headers, "application/json")


@router.get(
    "",
    summary="List your orders",
    responses=answered(200, links={"get_order": {"path.order_id": "$response.body#/orders/0/id"}}),
)
async def list_orders(query: Annotated[OrderQuery, Query()], caller: Caller, services: AppServices) -> OrderPage:
    """Returns one page of the caller's orders, newest first."""
    return await services.orders.page(caller.account_id, query)


@router.get("/{order_id:uuid}", summary="Get an order", responses=refused(401, 404))
async def get_order(order_id: UUID, caller: Caller, services: AppServices) -> OrderDetail:
    """Returns one of the caller's orders."""
    return await services.orders.get(caller.account_id, order_id)


@router.post(
    "/{order_id:uuid}/cancel",
    summary="Cancel an order",
    responses=answered(200, links={"get_order": {"path.order_id": ID}}) | refused(401, 404, 409),
)
async def cancel_order(order_id: UUID, caller: Caller, services: AppServices) -> OrderDetail:
    """Cancels one of the caller's orders that is pending or paid, and returns its pieces to the stock.

    A charge is refunded in the background; until then `refund` is `pending`. Cancelling again changes nothing; 409 for
    a failed order.
    """
    return await services.cancel_order(caller.account_id, order_id)
