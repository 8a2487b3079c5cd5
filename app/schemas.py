"""Base model and field types of request bodies, query parameters and WebSocket messages."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

MAX_UNKNOWN_FIELDS: Final = 20


def examples(*bodies: JsonDict, **more: Any) -> ConfigDict:
    """Returns the configuration of a model with these examples, and `more`, in its JSON schema."""
    return ConfigDict(json_schema_extra={"examples": [*bodies], **more})


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


class PageQuery(Input):
    """Number and size of a page; `page` counts from 1."""

    page: Annotated[int, Field(ge=1, le=10_000, description="Number of the page, from 1")] = 1
    per_page: Annotated[int, Field(ge=1, le=100, description="Entries on each page")] = 20

    @property
    def offset(self) -> int:
        """Number of rows before this page."""
        return (self.page - 1) * self.per_page


def _whole(value: Any) -> Any:
    """Raises ValueError unless the value is a JSON number; the type that follows rejects fractions."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a whole number")  # noqa: TRY004 -- pydantic reports ValueError to the caller
    return value


# Accepts 3 and 3.0, which are the same number in JSON; rejects "3" and true.
Whole: Final = BeforeValidator(_whole)
