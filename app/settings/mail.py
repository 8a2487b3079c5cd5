"""Mail: who sends it, and in whose name."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class MailSettings(BaseSettings):
    """Mail: who sends it, and in whose name."""

    mail_url: str | None = Field(None, description="the mail provider; without it, PROVIDER_URL")
    mail_api_key: SecretStr | None = Field(
        None, description="API key of the provider at MAIL_URL, sent as `Authorization: Bearer`"
    )
    mail_from: str | None = Field(
        None, pattern=r"^[^\s@<>]+@[^\s@<>]+$", description="sender of the mails; without it, the provider's own"
    )
    mail_timeout_seconds: float = Field(3, gt=0, description="for a call to the mail provider")
