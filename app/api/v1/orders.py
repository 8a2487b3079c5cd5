"""Orders."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.dependencies import Caller, OrdersService
from app.orders.schemas import NewOrder, OrderDetail, OrderPage
from app.paging import PageQuery

router = APIRouter(prefix="/orders", tags=["orders"])


@router.post("", status_code=202)
async def place_order(new: NewOrder, caller: Caller, orders: OrdersService, response: Response) -> OrderDetail:
    """Accepts an order; it is paid in the background. Read it at Location until its status is final."""
    order = await orders.place(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/orders/{order.id}"
    return order


@router.get("")
async def list_orders(query: Annotated[PageQuery, Query()], caller: Caller, orders: OrdersService) -> OrderPage:
    """One page of the caller's orders, newest first."""
    return await orders.page(caller.account_id, query)


@router.get("/{order_id}")
async def get_order(order_id: UUID, caller: Caller, orders: OrdersService) -> OrderDetail:
    """One order of the caller's."""
    return await orders.get(caller.account_id, order_id)
