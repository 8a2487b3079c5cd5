"""Sends e-mail: the interface, and its implementation over a provider's HTTP API."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, Protocol

from app.errors import InvalidError
from app.infra.http_client import open_dependency
from app.infra.resilience.circuit_breaker import Breaker, breaker_of
from app.infra.resilience.dependency import Answer, Dependency
from app.mail.smtp import SmtpMailer
from app.mail.templates import Email
from app.settings import Settings
from app.telemetry.telemetry import Telemetry

TARGET: Final = "mail"
OPERATIONS: Final = ("send",)


class Mailer(Protocol):
    """Sends an e-mail to an address, once for each key.

    Raises UnavailableError when it may have been sent: repeat the call with the same key. Raises InvalidError when it
    never will be.
    """

    breaker: Breaker

    async def send(self, key: str, address: str, email: Email) -> None: ...


class HttpMailer:
    """Client of the provider's POST /v1/mails. `sender` is the From address; None takes the provider's own."""

    def __init__(self, dependency: Dependency, *, sender: str | None, within: float) -> None:
        self._dependency = dependency
        self._sender = {"from": sender} if sender is not None else {}
        self._within = within
        self.breaker = dependency.breaker

    async def send(self, key: str, address: str, email: Email) -> None:
        mail = {**self._sender, "to": address, "subject": email.subject, "text": email.text}
        await self._dependency.post("send", "/v1/mails", _accepted, json=mail, idempotency_key=key, within=self._within)


@asynccontextmanager
async def open_mailer(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Mailer]:
    """Opens the mailer of this process, which connects at its first use. It never retries: the outbox does."""
    if settings.mail_by_smtp:
        metrics = telemetry.dependencies
        yield SmtpMailer(settings, TARGET, breaker_of(TARGET, settings, metrics), metrics)
        return
    within = settings.mail_timeout_seconds
    once = settings.model_copy(update={"call_tries": 1})
    url, key = settings.provider_url, settings.provider_api_key
    if settings.mail_url:
        url, key = settings.mail_url, settings.mail_api_key
    opened = open_dependency(TARGET, url, within, OPERATIONS, settings=once, telemetry=telemetry, api_key=key)
    async with opened as dependency:
        yield HttpMailer(dependency, sender=settings.mail_from, within=within)


def _accepted(answer: Answer) -> None:
    # The key was used before, with an address or a name that has changed since: the e-mail was sent then.
    was_sent = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and _code(answer.content) == "key_reused"
    if answer.status >= HTTPStatus.BAD_REQUEST and not was_sent:
        raise InvalidError(f"The mail provider refuses the mail: status {answer.status}.")


def _code(content: bytes) -> object:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body.get("code") if isinstance(body, dict) else None
