"""Endpoints of orders."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from app.api.contract.responses import ID, answered, refused
from app.api.dependencies import Caller, Cancelling, OrdersService, Placing
from app.orders.schemas import NewOrder, OrderDetail, OrderPage, OrderQuery

router = APIRouter(prefix="/orders", tags=["orders"])
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="a word of your own, such as a UUID: a repeat within 24 hours gets the first answer",
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
    new: NewOrder, caller: Caller, place: Placing, idempotency_key: IdempotencyKey = None
) -> Response:
    """Accepts an order; it is paid in the background. Read it at Location until its status is final.

    With an Idempotency-Key a repeat changes nothing and gets the first answer, with `Idempotency-Replayed: true`; the
    same key with another body is 422. A refused order leaves its key free. An item that does not exist is 404; one that
    is not for sale any more or for now, or of which there are too few, is 409, each with a code of its own.
    """
    placed = await place(caller.account_id, new, idempotency_key)
    headers = {"Location": f"/api/v1/orders/{placed.answer.order_id}"}
    if placed.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(placed.answer.content, 202, headers, "application/json")


@router.get(
    "",
    summary="List your orders",
    responses=answered(200, links={"get_order": {"path.order_id": "$response.body#/orders/0/id"}}),
)
async def list_orders(query: Annotated[OrderQuery, Query()], caller: Caller, orders: OrdersService) -> OrderPage:
    """One page of the caller's orders, newest first."""
    return await orders.page(caller.account_id, query)


@router.get("/{order_id:uuid}", summary="Get an order", responses=refused(401, 404))
async def get_order(order_id: UUID, caller: Caller, orders: OrdersService) -> OrderDetail:
    """One order of the caller's."""
    return await orders.get(caller.account_id, order_id)


@router.post(
    "/{order_id:uuid}/cancel",
    summary="Cancel an order",
    responses=answered(200, links={"get_order": {"path.order_id": ID}}) | refused(401, 404, 409),
)
async def cancel_order(order_id: UUID, caller: Caller, cancel: Cancelling) -> OrderDetail:
    """Cancels an order of the caller's that is pending or paid, and gives its pieces back to the stock.

    What was charged is given back in the background: `refund` is `pending` until then. A second time changes nothing;
    an order that failed is 409.
    """
    return await cancel(caller.account_id, order_id)
