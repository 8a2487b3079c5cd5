"""Other services: how long they are waited for, how often asked again, and when they are left alone."""

from pydantic import Field
from pydantic_settings import BaseSettings


class DependencySettings(BaseSettings):
    """Other services: how long they are waited for, how often asked again, and when they are left alone."""

    rates_timeout_seconds: float = Field(
        2, gt=0, description="for exchange rates from the provider, all tries together"
    )
    rates_fresh_seconds: int = Field(60, ge=1, description="age up to which exchange rates are not asked for again")
    rates_stale_seconds: int = Field(
        86400, ge=1, description="age up to which exchange rates will do while the provider gives none"
    )
    call_tries: int = Field(3, ge=1, le=10, description="tries of one call of another service, repeats within a budget")
    breaker_failures: int = Field(5, ge=1, description="failures in a row after which a service is left alone")
    breaker_open_seconds: float = Field(10, gt=0, description="for how long, before one call tries it")
