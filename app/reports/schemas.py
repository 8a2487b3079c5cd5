"""Request bodies of reports."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.infra.database.orm import now
from app.schemas import Input, examples

MAX_SPAN: Final = timedelta(days=366)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _written_out(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("must be a day such as 2026-01-31")


Day = Annotated[date, BeforeValidator(_written_out)]


class NewSalesReport(Input):
    """Sales to report: those that were paid on the days from `from` to `to`, inclusive, in UTC."""

    model_config = examples({"from": "2026-01-01", "to": "2026-01-31", "format": "csv"})

    first_day: Annotated[Day, Field(alias="from")]
    last_day: Annotated[Day, Field(alias="to", description="Last day, at most today")]
    format: Literal["csv"] = "csv"

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError("from must not be after to")
        if self.last_day > now().date():
            raise ValueError("to must not lie in the future")
        if self.last_day - self.first_day >= MAX_SPAN:
            raise ValueError(f"a report covers {MAX_SPAN.days} days at most")
        return self
