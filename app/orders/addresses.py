"""Shipping addresses and notes of orders."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from app.orders import countries
from app.schemas import Input, examples
from app.text.types import Lines, OneLine, Plain


def _country(value: str) -> str:
    if value not in countries.COUNTRIES:
        raise ValueError("must be a country of ISO 3166, in two letters: DE")
    return value


Line = Annotated[str, StringConstraints(max_length=200), OneLine]
Notes = Annotated[str, StringConstraints(max_length=1000), Lines]
Country = Annotated[
    str,
    StringConstraints(pattern="^[A-Z]{2}$"),
    AfterValidator(_country),
    Field(description="ISO 3166-1 alpha-2", json_schema_extra={"enum": sorted(countries.COUNTRIES)}),
]
PostalCode = Annotated[
    str,
    StringConstraints(min_length=1, max_length=12, strip_whitespace=True, to_upper=True),
    Plain,
    Field(json_schema_extra={"pattern": "[A-Za-z0-9]"}),  # the rest depends on the country
]


EXAMPLE: JsonDict = {
    "name": "A. Navigator",
    "street": "Am Hafen 1",
    "city": "Hamburg",
    "postal_code": "20457",
    "country": "DE",
}


class Address(Input):
    """Shipping address. The postal code has the country's format; it is optional where the country has none."""

    model_config = examples(EXAMPLE)

    name: Line
    street: Line
    city: Line
    postal_code: PostalCode | None = None
    country: Country

    @model_validator(mode="after")
    def _in_its_country(self) -> Self:
        if self.postal_code is None:
            if countries.has_postal_codes(self.country):
                raise ValueError(f"postal_code: an address in {self.country} needs one")
        elif not countries.fits(self.postal_code, self.country):
            raise ValueError(f"postal_code: is not one of {self.country}")
        return self
