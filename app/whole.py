"""Whole numbers in JSON: 3 and 3.0 are the same there; "3" is a text, and true is no number."""

from typing import Any, Final

from pydantic import BeforeValidator


def whole(value: Any) -> Any:
    """Raises ValueError for what is no number; whether it is whole is asked by the type that follows."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a whole number")  # noqa: TRY004 -- what pydantic tells the caller
    return value


Whole: Final = BeforeValidator(whole)
