"""Input fields of items, shared by all versions of the API."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, WithJsonSchema

from app.infra.database.orm import now
from app.schemas import Whole
from app.text import types

_AMOUNT: Final = r"^(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,2})?$"
_MORE_THAN_NOTHING: Final = r"^(?:[1-9][0-9]{0,6}(?:\.[0-9]{1,2})?|0\.(?:[1-9][0-9]?|0[1-9]))$"


def _written_out(value: Any) -> Any:
    """Raises ValueError for a number, which could be seconds or milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError("must be written as in RFC 3339: 2030-01-31T12:00:00Z")


def _decimal_text(value: Any) -> Any:
    """Raises ValueError for a number: most JSON parsers read a float, and 0.1 + 0.2 is no price."""
    if isinstance(value, Decimal) or (isinstance(value, str) and re.fullmatch(_AMOUNT, value)):
        return value
    raise ValueError('must be decimal text of at most 9999999.99, such as "19.90"')


def _amount(pattern: str) -> dict[str, Any]:
    """Returns the JSON schema of an amount in major units."""
    return {
        "type": "string",
        "pattern": pattern,
        "description": "Amount in major units, such as 19.90",
        "examples": ["19.90"],
    }


def _still_to_come(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the calendar") from None
    if moment <= now():
        raise ValueError("must lie in the future")
    return moment


Name = Annotated[str, StringConstraints(max_length=120), types.Name]
Description = Annotated[str, StringConstraints(max_length=2000), types.Lines]
Currency = Literal["EUR", "USD", "GBP"]
Price = Annotated[Decimal, BeforeValidator(_decimal_text), Field(gt=0), WithJsonSchema(_amount(_MORE_THAN_NOTHING))]
Stock = Annotated[int, Field(ge=0, le=1_000_000), Whole]
Status = Literal["active", "paused"]
SaleState = Literal["active", "paused", "ended"]
EndsAt = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_still_to_come),
    Field(description="Time at which the sale ends; must be in the future"),
]
PriceLimit = Annotated[Decimal, BeforeValidator(_decimal_text), WithJsonSchema(_amount(_AMOUNT))]
