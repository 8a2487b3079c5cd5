"""Base of the models that callers fill: request bodies, query parameters and messages of WebSockets."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator
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
