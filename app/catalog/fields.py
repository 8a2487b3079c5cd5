"""The fields of an item as they may enter, the same in each version of the API."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from app.infra.orm import now
from app.text import Plain


def _written_out(value: Any) -> Any:
    """Raises ValueError for a number: nobody can tell seconds from milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError("must be written as in RFC 3339: 2030-01-31T12:00:00Z")


def _still_to_come(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the calendar") from None
    if moment <= now():
        raise ValueError("must lie in the future")
    return moment


Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Plain]
Description = Annotated[str, StringConstraints(max_length=2000), Plain]
Currency = Literal["EUR", "USD", "GBP"]
Price = Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=2, description="in major units: 19.90")]
Stock = Annotated[int, Field(ge=0, le=1_000_000)]
Status = Literal["active", "paused"]
EndsAt = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_still_to_come),
    Field(description="no longer sold from then on; must lie in the future"),
]
PriceLimit = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=2, description="in major units: 19.90")]
