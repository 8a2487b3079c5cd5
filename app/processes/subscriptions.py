"""Table of all events and their subscribers."""

from app.catalog.cached_items import invalidate_item
from app.events import ItemChanged, OrderCancelled, OrderFailed, OrderPaid, OrderPlaced, OrderRefunded, UserRegistered
from app.infra.cache import Cache
from app.infra.event_bus import Events
from app.infra.fanout import Fanout
from app.infra.outbox.outbox import Outbox
from app.mail.topics import MAIL_ORDER_FAILED, MAIL_RECEIPT, MAIL_REFUND, MAIL_WELCOME
from app.orders.commands.pay import PAY_ORDER
from app.orders.commands.refund import REFUND_ORDER
from app.orders.status_stream import publish_order_change


def subscribe(outbox: Outbox, cache: Cache, fanout: Fanout) -> Events:
    """Returns the event bus of one process.

    Durable subscribers are topics of the outbox; app/processes/handlers.py has their handlers. Live subscribers are
    coroutines that run after the commit, and are lost if the process ends before.
    """
    return Events(
        outbox,
        durable={
            UserRegistered: (MAIL_WELCOME,),
            OrderPlaced: (PAY_ORDER,),
            OrderPaid: (MAIL_RECEIPT,),
            OrderFailed: (MAIL_ORDER_FAILED,),
            OrderCancelled: (REFUND_ORDER,),
            OrderRefunded: (MAIL_REFUND,),
        },
        live={
            ItemChanged: (invalidate_item(cache),),
            **dict.fromkeys((OrderPaid, OrderFailed, OrderCancelled, OrderRefunded), (publish_order_change(fanout),)),
        },
    )
