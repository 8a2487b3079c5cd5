"""Places an order: stock, order, payment request and Idempotency-Key commit in one transaction."""

from uuid import UUID, uuid4

from app.accounts.authentication import of_existing_account
from app.catalog import for_sale
from app.errors import NotFoundError
from app.events import OrderPlaced
from app.infra.database import Database, WriteSession
from app.infra.event_bus import Events
from app.orders import idempotency, pricing, queries, repository
from app.orders.errors import CurrencyNotQuotedError
from app.orders.idempotency import Answer, KeyedRequest
from app.orders.models import Order
from app.orders.schemas import ExchangeRate, NewOrder, OrderDetail
from app.rates.service import Rates
from app.telemetry.metrics import OrderMetrics


class PlaceOrder:
    """Accepts orders."""

    def __init__(self, database: Database, events: Events, rates: Rates, metrics: OrderMetrics) -> None:
        self._database = database
        self._events = events
        self._rates = rates
        self._metrics = metrics

    async def __call__(self, buyer_id: UUID, new: NewOrder, key: str | None = None) -> Answer:
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
        return answer

    def _repeated(self, answer: Answer) -> Answer:
        self._metrics.replayed.inc()
        return answer

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
        taken = [
            (line, await for_sale.take(session, self._events, line.item_id, line.quantity))
            for line in sorted(new.lines, key=lambda line: line.item_id)  # one lock order for all prevents deadlocks
        ]
        currency = new.currency or pricing.one_currency({item["currency"] for _, item in taken})
        lines = [
            pricing.price_line(order_id, line, item["price_minor"], item["currency"], currency, rates)
            for line, item in taken
        ]
        used = [rates[base] for base in sorted({line.item_currency for line in lines if line.item_currency})]
        order = Order(
            id=order_id,
            buyer_id=buyer_id,
            currency=currency,
            total_minor=pricing.total(lines),
            shipping_address=new.shipping_address.model_dump() if new.shipping_address is not None else None,
            notes=new.notes,
            exchange_rates=[rate.model_dump(mode="json") for rate in used] or None,
        )
        session.add(order)
        await session.flush()
        session.add_all(lines)
        self._events.record(session, OrderPlaced(order_id, buyer_id))
        return queries.order_detail({column.key: getattr(order, column.key) for column in repository.DETAIL}, lines)
