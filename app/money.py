"""Money: whole minor units inside, decimal text outside. All currencies here have two decimals (ISO 4217)."""

from decimal import Decimal
from typing import Final

_MINOR_UNITS: Final = 100


def to_minor(amount: Decimal) -> int:
    """Cents from 19.90. Raises ValueError for a fraction of a cent."""
    minor = amount * _MINOR_UNITS
    if minor != minor.to_integral_value():
        raise ValueError("there is no coin smaller than a cent")
    return int(minor)


def to_major(minor: int) -> Decimal:
    """19.90 from 1990, always with two decimals."""
    return Decimal(minor).scaleb(-2)
