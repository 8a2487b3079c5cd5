"""Mail: who sends it, and in whose name."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class MailSettings(BaseSettings):
    """Mail: who sends it, and in whose name."""

    mail_url: str | None = Field(
        None,
        description="Mail provider (`https://…`), or SMTP server (`smtp://host:587` with STARTTLS, `smtps://host:465`);"
        " without it, PROVIDER_URL",
    )
    mail_user: str | None = Field(None, description="User of the SMTP server; without it, nobody logs in")
    mail_password: SecretStr | None = Field(None, description="Password of that user")
    mail_starttls: bool = Field(True, description="Require STARTTLS of `smtp://`; without it, no password is sent")  # noqa: FBT003
    mail_api_key: SecretStr | None = Field(
        None, description="API key of the provider at MAIL_URL, sent as `Authorization: Bearer`"
    )
    mail_from: str | None = Field(
        None, pattern=r"^[^\s@<>]+@[^\s@<>]+$", description="sender of the mails; without it, the provider's own"
    )
    mail_timeout_seconds: float = Field(3, gt=0, description="for a call to the mail provider")

    @property
    def mail_by_smtp(self) -> bool:
        """Whether MAIL_URL names an SMTP server."""
        return self.mail_url is not None and self.mail_url.startswith(("smtp://", "smtps://"))
