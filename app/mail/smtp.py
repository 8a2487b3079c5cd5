"""Mail through an SMTP server: encrypted, bounded in time as a whole, and left alone while it fails."""

import asyncio
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.errors import InvalidError, TimedOutError
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError
from app.infra.resilience.dependency import Kind, NoAnswerError

if TYPE_CHECKING:
    from app.mail.templates import Letter
    from app.settings import Settings
    from app.telemetry.metrics import DependencyMetrics

PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = 500


class SmtpMailer:
    """Sends each e-mail in a connection of its own, with STARTTLS (`smtp://`) or TLS (`smtps://`).

    SMTP has no idempotency key. The Message-ID is made of the key, so that a repeat after an answer that got lost is
    the same message to whoever compares them.
    """

    def __init__(self, settings: "Settings", target: str, breaker: Breaker, metrics: "DependencyMetrics") -> None:
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

    async def send(self, key: str, address: str, letter: "Letter") -> None:
        """Raises UnavailableError when it is not known whether it is sent, InvalidError when it never will be."""
        try:
            with self.breaker.watching():
                await self._counted(self._message(key, address, letter))
        except BreakerOpenError:
            self._metrics.requests.labels(self._target, "send", "breaker_open").inc()
            raise

    async def _counted(self, message: EmailMessage) -> None:
        """Counted unless it is cancelled."""
        started = time.perf_counter()
        outcome: str | None = None
        try:
            await self._within(message)
            outcome = "ok"
        except TimeoutError as error:
            outcome = "timeout"
            raise TimedOutError("The SMTP server did not answer in time.") from error
        except OSError as error:  # SMTPException is one
            failure = _meaning(error)
            outcome = failure.kind if isinstance(failure, NoAnswerError) else "ok"
            raise failure from error
        finally:
            if outcome is not None:
                self._metrics.requests.labels(self._target, "send", outcome).inc()
                self._metrics.duration.labels(self._target, "send").observe(time.perf_counter() - started)

    async def _within(self, message: EmailMessage) -> None:
        """smtplib bounds each read; what bounds them all together ends the connection under its thread."""
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
        # Untold, it asks the DNS for its own name.
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
            with suppress(OSError):  # it is sent all the same
                connection.quit()
        finally:
            connection.close()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """To read the authorities takes 60 ms."""
        return ssl.create_default_context(cafile=self._settings.ssl_cert_file)

    def _message(self, key: str, address: str, letter: "Letter") -> EmailMessage:
        message = EmailMessage(SMTP)
        message["From"], message["To"], message["Subject"] = self._sender, address, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), f"<{key}@{self._domain}>"
        message.set_content(letter.text)
        return message


def _meaning(error: OSError) -> NoAnswerError | InvalidError:
    """An address or a text that the server refuses for good is a fault of this e-mail; all else concerns every one."""
    codes: list[int] = []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, smtplib.SMTPDataError):
        codes = [error.smtp_code]
    if codes and min(codes) >= _PERMANENT:
        return InvalidError(f"The SMTP server refuses the e-mail: status {codes[0]}.")
    answered = isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected)
    kind: Kind = "status" if answered else "connection"
    # What the server says may repeat the address.
    message = f"The SMTP server gave no usable answer: {type(error).__name__}."
    return NoAnswerError(message, kind=kind, repeatable=False)
