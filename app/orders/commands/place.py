"""Places an order: stock, order, payment request and Idempotency-Key commit in one transaction."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from app.accounts.authentication import of_existing_account
from app.catalog import for_sale
from app.errors import NotFoundError
from app.events import OrderPlaced
from app.infra.database import Database, WriteSession
from app.infra.database.orm import now
from app.infra.event_bus import Events
from app.money import to_major
from app.orders import idempotency, pricing, queries, repository
from app.orders.errors import CurrencyNotQuotedError
from app.orders.idempotency import Answer, KeyedRequest
from app.orders.models import Order, OrderStatus, RefundStatus
from app.orders.schemas import ExchangeRate, NewLine, NewOrder, OrderDetail
from app.rates.service import Rates
from app.telemetry.metrics import OrderMetrics


@dataclass(frozen=True, slots=True)
class Placed:
    """Response for an accepted order; `replayed` when it repeats the response to an earlier request."""

    answer: Answer
    replayed: bool


class PlaceOrder:
    """Accepts orders."""

    def __init__(self, database: Database, events: Events, rates: Rates, metrics: OrderMetrics) -> None:
        self._database = database
        self._events = events
        self._rates = rates
        self._metrics = metrics

    async def __call__(self, buyer_id: UUID, new: NewOrder, key: str | None = None) -> Placed:
        """Places an order, once for each key.

        Raises the errors of `for_sale.take`, ItemRepricedError, MixedCurrenciesError, CurrencyNotQuotedError,
        TotalTooLargeError, KeyReusedError, and UnavailableError when a rate is needed and not available. The stock and
        the key are unchanged then.
        """
        request = KeyedRequest.of(buyer_id, key, new) if key is not None else None
        rates: dict[str, ExchangeRate] = {}
        if new.currency is not None:
            async with self._database.read() as session:
                earlier = await idempotency.find(session, request) if request is not None else None
                priced_in = await repository.currencies(session, [line.item_id for line in new.lines])
            if earlier is not None:  # a repeat needs no rate, and its provider may be down
                return self._repeated(earlier)
            rates = await self._quoted(new.currency, priced_in - {new.currency})
        with of_existing_account():
            async with self._database.write() as session:
                earlier = await idempotency.claim(session, request) if request is not None else None
                if earlier is None:
                    order = await self._write(session, buyer_id, new, rates)
                    answer = Answer(order.id, order.model_dump_json().encode())
                    if request is not None:
                        await idempotency.save(session, request, answer)
        if earlier is not None:
            return self._repeated(earlier)
        self._metrics.placed.inc()
        return Placed(answer, replayed=False)

    def _repeated(self, answer: Answer) -> Placed:
        self._metrics.replayed.inc()
        return Placed(answer, replayed=True)

    async def _quoted(self, currency: str, others: set[str]) -> dict[str, ExchangeRate]:
        """Fetches rates before the transaction, so that no lock on an item is held during the call."""
        rates = {}
        for base in sorted(others):
            try:
                quote = await self._rates.rate(base, currency)
            except NotFoundError as error:
                raise CurrencyNotQuotedError(f"There is no rate from {base} to {currency}; take another.") from error
            rates[base] = ExchangeRate(base=base, rate=format(quote.rate, "f"), as_of=quote.as_of)
        return rates

    async def _write(
        self, session: WriteSession, buyer_id: UUID, new: NewOrder, rates: dict[str, ExchangeRate]
    ) -> OrderDetail:
        order_id = uuid4()
        taken = await self._take(session, new)
        currency = new.currency or pricing.one_currency({priced_in for _, _, priced_in in taken})
        lines = [
            pricing.price_line(order_id, line, price_minor, priced_in, currency, rates)
            for line, price_minor, priced_in in taken
        ]
        used = [rates[base] for base in sorted({line.item_currency for line in lines if line.item_currency})]
        order = Order(
            id=order_id,
            buyer_id=buyer_id,
            status=OrderStatus.PENDING,
            currency=currency,
            total_minor=pricing.total(lines),
            created_at=now(),
            shipping_address=new.shipping_address.model_dump() if new.shipping_address is not None else None,
            notes=new.notes,
            exchange_rates=[rate.model_dump(mode="json") for rate in used] or None,
        )
        session.add(order)
        await session.flush()
        session.add_all(lines)
        self._events.record(session, OrderPlaced(order_id, buyer_id))
        return OrderDetail(
            id=order_id,
            status=OrderStatus.PENDING,
            total=to_major(order.total_minor),
            currency=currency,
            failure_reason=None,
            refund=RefundStatus.NONE,
            created_at=order.created_at,
            finished_at=None,
            cancelled_at=None,
            refunded_at=None,
            lines=[queries.line_view(line) for line in lines],
            exchange_rates=used,
            shipping_address=new.shipping_address,
            notes=new.notes,
        )

    async def _take(self, session: WriteSession, new: NewOrder) -> list[tuple[NewLine, int, str]]:
        """Takes each line off the stock. Returns it with the price of one piece in minor units, and the currency."""
        taken = []
        for line in sorted(new.lines, key=lambda line: line.item_id):  # one lock order for all prevents deadlocks
            row = await for_sale.take(session, self._events, line.item_id, line.quantity)
            taken.append((line, int(row["price_minor"]), str(row["currency"])))
        return taken
