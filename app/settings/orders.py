"""Who is paid, and how long a call may take."""

from pydantic import Field
from pydantic_settings import BaseSettings


class OrderSettings(BaseSettings):
    """Who is paid, and how long a call may take."""

    provider_url: str = Field("http://127.0.0.1:8001", description="the provider of payments, exchange rates and mail")
    provider_timeout_seconds: float = Field(5, gt=0, description="for a call to the provider")
