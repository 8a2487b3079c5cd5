"""Base model and field types of request bodies, query parameters and WebSocket messages."""

from typing import Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_UNKNOWN_FIELDS: Final = 20


class Input(BaseModel):
    """Refuses unknown fields one by one, and an object with many of them at once.

    pydantic makes an error for each unknown field: 90,000 of them took 1.4 s of CPU.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        most = len(cls.model_fields) + MAX_UNKNOWN_FIELDS
        if isinstance(value, dict) and len(value) > most:
            raise PydanticCustomError("too_many_fields", "Object should have at most {most} fields", {"most": most})
        return value


def _whole(value: Any) -> Any:
    """Raises ValueError unless the value is a JSON number; the type that follows rejects fractions."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a whole number")  # noqa: TRY004 -- pydantic reports ValueError to the caller
    return value


# Accepts 3 and 3.0, which are the same number in JSON; rejects "3" and true.
Whole: Final = BeforeValidator(_whole)
