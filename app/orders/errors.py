"""Errors of requests for orders."""

from app.errors import ConflictError, InvalidError, NotFoundError


class OrderNotFoundError(NotFoundError):
    """Raised for another buyer's order as well, so that nobody learns whether it exists."""

    code = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order of yours.")


class ItemRepricedError(ConflictError):
    """The item's currency changed after the exchange rates were fetched."""

    code = "item_repriced"


class NotCancellableError(ConflictError):
    code = "order_not_cancellable"


class MixedCurrenciesError(InvalidError):
    code = "mixed_currencies"


class CurrencyNotQuotedError(InvalidError):
    code = "currency_not_quoted"


class TotalTooLargeError(InvalidError):
    code = "total_too_large"


class KeyReusedError(InvalidError):
    code = "idempotency_key_reused"
