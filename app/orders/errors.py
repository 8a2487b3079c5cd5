"""What can be wrong with what is asked of orders."""

from app.errors import ConflictError, InvalidError, NotFoundError


class OrderNotFoundError(NotFoundError):
    """Said of another's order as well: whether it exists is nobody else's business."""

    code = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order of yours.")


class ItemRepricedError(ConflictError):
    """Its owner changed its currency after the rates had been asked for."""

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
