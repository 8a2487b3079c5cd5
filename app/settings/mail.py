from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class MailSettings(BaseSettings):
    """Mail: the server or provider that sends it, and the sender."""

    mail_url: str | None = Field(
        None,
        description="Mail provider (`https://…`), or SMTP server (`smtp://host:587` with STARTTLS, `smtps://host:465`);"
        " without it, PROVIDER_URL",
    )
    mail_user: str | None = Field(None, description="User to log in to the SMTP server as; without it, no log-in")
    mail_password: SecretStr | None = Field(None, description="Password of MAIL_USER")
    mail_starttls: bool = Field(True, description="Require STARTTLS of `smtp://`; without it, no password is sent")  # noqa: FBT003
    mail_api_key: SecretStr | None = Field(
        None, description="API key of the provider at MAIL_URL, sent as `Authorization: Bearer`"
    )
    mail_from: str | None = Field(
        None, pattern=r"^[^\s@<>]+@[^\s@<>]+$", description="Sender of the mails; without it, the provider's own"
    )
    mail_timeout_seconds: float = Field(3, gt=0, description="Seconds to wait for the mail provider, including retries")

    @property
    def mail_by_smtp(self) -> bool:
        """Tests whether MAIL_URL is an SMTP server."""
        return self.mail_url is not None and self.mail_url.startswith(("smtp://", "smtps://"))


def problems(settings: MailSettings, withheld: Collection[str]) -> Iterator[str]:
    """Yields one sentence for each problem of an SMTP server and its log-in.

    A password that is `withheld` from this process may be missing.
    """
    login = settings.mail_user is not None or settings.mail_password is not None
    if login and not settings.mail_by_smtp:
        yield "MAIL_USER, MAIL_PASSWORD: need an SMTP server in MAIL_URL, such as smtp://mail.example.com:587"
    if login and None in (settings.mail_user, settings.mail_password) and "mail_password" not in withheld:
        yield "MAIL_USER, MAIL_PASSWORD: set both or neither"
    if not settings.mail_by_smtp:
        return
    if settings.mail_from is None:
        yield "MAIL_FROM: must be set when MAIL_URL names an SMTP server, which has no sender of its own"
    if settings.mail_api_key is not None:
        yield "MAIL_API_KEY: is for a provider over HTTP; an SMTP server takes MAIL_USER and MAIL_PASSWORD"
    if login and urlsplit(settings.mail_url or "").scheme == "smtp" and not settings.mail_starttls:
        yield "MAIL_STARTTLS: must be true when MAIL_PASSWORD is set, or the password is sent unencrypted"
