"""Sends e-mail through an SMTP server: encrypted, with a deadline for the whole delivery and a circuit breaker."""

import asyncio
import smtplib
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from app.errors import InvalidError, TimedOutError
from app.infra.resilience.circuit_breaker import Breaker
from app.infra.resilience.dependency import Kind, NoAnswerError, guarded
from app.mail.templates import Email
from app.settings import Settings
from app.telemetry.metrics import DependencyMetrics

PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = 500


class SmtpMailer:
    """Sends each e-mail in a connection of its own, with STARTTLS (`smtp://`) or TLS (`smtps://`).

    SMTP has no idempotency key. The Message-ID is derived from the key, so that a repeat after a lost answer is
    recognisable as the same message.
    """

    def __init__(self, settings: Settings, target: str, breaker: Breaker, metrics: DependencyMetrics) -> None:
        url = urlsplit(settings.mail_url or "")
        self._host, self._port = url.hostname or "", url.port or PORTS[url.scheme]
        self._settings = settings
        self._implicit_tls = url.scheme == "smtps"
        self._sender = settings.mail_from or ""
        self._domain = self._sender.rpartition("@")[2]
        self._target = target
        self._metrics = metrics
        self.breaker = breaker
        metrics.declare(target, ("send",))

    async def send(self, key: str, address: str, email: Email) -> None:
        """Raises UnavailableError when the e-mail may have been sent, InvalidError when it never will be."""
        message = self._message(key, address, email)
        with guarded(self.breaker, self._metrics, self._target, "send"):
            try:
                await self._within(message)
            except TimeoutError as error:
                raise TimedOutError("The SMTP server did not answer in time.") from error
            except OSError as error:  # SMTPException is one
                raise _meaning(error) from error

    async def _within(self, message: EmailMessage) -> None:
        """Bounds the delivery by closing the connection under its thread; smtplib bounds single reads only."""
        seconds = self._settings.mail_timeout_seconds
        connection = await asyncio.to_thread(self._connection, seconds)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.to_thread(self._deliver, connection, message)
        finally:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _connection(self, seconds: float) -> smtplib.SMTP:
        # Without a name smtplib asks the DNS for one.
        if self._implicit_tls:
            return smtplib.SMTP_SSL(local_hostname=self._domain, timeout=seconds, context=self._trust)
        return smtplib.SMTP(local_hostname=self._domain, timeout=seconds)

    def _deliver(self, connection: smtplib.SMTP, message: EmailMessage) -> None:
        connection._host = self._host  # type: ignore[attr-defined]  # noqa: SLF001 -- the name that TLS checks, without connecting at once
        try:
            connection.connect(self._host, self._port)
            if not self._implicit_tls and self._settings.mail_starttls:
                connection.starttls(context=self._trust)
            if self._settings.mail_user is not None and self._settings.mail_password is not None:
                connection.login(self._settings.mail_user, self._settings.mail_password.get_secret_value())
            connection.send_message(message)
            with suppress(OSError):  # the e-mail is sent already
                connection.quit()
        finally:
            connection.close()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Returns the trusted authorities, read once: that takes 60 ms."""
        return ssl.create_default_context(cafile=self._settings.ssl_cert_file)

    def _message(self, key: str, address: str, email: Email) -> EmailMessage:
        message = EmailMessage(SMTP)
        message["From"], message["To"], message["Subject"] = self._sender, address, email.subject
        message["Date"], message["Message-ID"] = formatdate(), f"<{key}@{self._domain}>"
        message.set_content(email.text)
        return message


def _meaning(error: OSError) -> NoAnswerError | InvalidError:
    """Returns InvalidError for a permanent refusal of this e-mail, and NoAnswerError for all other failures."""
    codes: list[int] = []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, smtplib.SMTPDataError):
        codes = [error.smtp_code]
    if codes and min(codes) >= _PERMANENT:
        return InvalidError(f"The SMTP server refuses the e-mail: status {codes[0]}.")
    answered = isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected)
    kind: Kind = "status" if answered else "connection"
    # The server's own words may contain the address.
    message = f"The SMTP server gave no usable answer: {type(error).__name__}."
    return NoAnswerError(message, kind=kind, repeatable=False)
