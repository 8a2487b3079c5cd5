"""Errors of requests for items."""

from app.errors import ConflictError, ForbiddenError, NotFoundError, PreconditionFailedError


class ItemNotFoundError(NotFoundError):
    code = "item_not_found"


class NameTakenError(ConflictError):
    code = "name_taken"


class NotYourItemError(ForbiddenError):
    code = "not_your_item"


class ItemChangedError(PreconditionFailedError):
    code = "item_changed"


class ItemWithdrawnError(ConflictError):
    """Its owner has paused the sale."""

    code = "item_withdrawn"


class ItemEndedError(ConflictError):
    """Its sale is over."""

    code = "item_ended"


class OutOfStockError(ConflictError):
    code = "out_of_stock"
