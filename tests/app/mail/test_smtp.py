"""E-mail through a real SMTP server: TLS, authentication and timeouts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry

from app.errors import InvalidError, TimedOutError, UnavailableError
from app.infra.resilience.circuit_breaker import BreakerOpenError
from app.infra.resilience.dependency import NoAnswerError
from app.mail import templates
from app.mail.mailer import Mailer, open_mailer
from app.settings import SettingsError, read
from tests.support.ports import free_port
from tests.support.recorded_telemetry import recorded_logs
from tests.support.smtp_server import SmtpServer, smtp_server
from tests.support.telemetry import metered
from tests.support.tls_proxy import CA

pytestmark = pytest.mark.anyio
LOGIN: Final = {"mail_user": "shop", "mail_password": "opensesame"}
HELLO: Final = templates.welcome("Zoë")


class _SmtpClient:
    def __init__(self, mailer: Mailer, registry: CollectorRegistry) -> None:
        self.mailer = mailer
        self._registry = registry

    async def send(self, address: str = "ada@example.com", key: str = "key-1") -> None:
        await self.mailer.send(key, address, HELLO)

    def counted(self, outcome: str) -> float | None:
        labels = {"target": "mail", "operation": "send", "outcome": outcome}
        return self._registry.get_sample_value("dependency_requests_total", labels)


@asynccontextmanager
async def _smtp_client(port: int, scheme: str = "smtp", **settings: Any) -> AsyncIterator[_SmtpClient]:
    given = {"mail_from": "shop@shop.test", "ssl_cert_file": CA, "mail_timeout_seconds": 20, **settings}
    made = read(_env_file=None, mail_url=f"{scheme}://localhost:{port}", **given)
    registry = CollectorRegistry()
    async with open_mailer(made, metered(made, registry)) as mailer:
        yield _SmtpClient(mailer, registry)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_email_arrives_encrypted_after_the_login(scheme: str) -> None:
    async with smtp_server(implicit_tls=scheme == "smtps") as server:
        async with _smtp_client(server.port, scheme, **LOGIN) as smtp:
            await smtp.send()
        assert smtp.counted("ok") == 1
    assert (server.logins, server.encrypted) == ([("shop", "opensesame")], [True])
    assert ("STARTTLS" in server.commands) == (scheme == "smtp")
    [message] = server.messages
    for line in ("From: shop@shop.test", "To: ada@example.com", "Message-ID: <key-1@shop.test>"):
        assert f"{line}\r\n" in message
    assert "Welcome aboard" in message.replace("_", " ")


async def test_no_credentials_are_sent_without_tls_or_to_an_untrusted_certificate() -> None:
    async with smtp_server() as server:
        server.starttls = False
        async with _smtp_client(server.port, **LOGIN) as smtp:
            with pytest.raises(NoAnswerError, match="SMTPNotSupportedError"):
                await smtp.send()
        server.starttls, server.replies = True, {"STARTTLS": "454 not now"}
        async with _smtp_client(server.port, **LOGIN) as smtp:
            with pytest.raises(NoAnswerError, match="SMTPResponseException"):
                await smtp.send()
        server.replies = {}
        async with _smtp_client(server.port, **LOGIN, ssl_cert_file=None) as smtp:
            with pytest.raises(NoAnswerError) as unknown:
                await smtp.send()
            assert unknown.value.kind == "connection"
    assert (server.logins, server.messages) == ([], [])


async def test_a_relay_without_tls_and_authentication_can_be_configured() -> None:
    async with smtp_server() as server, _smtp_client(server.port, mail_starttls=False) as smtp:
        server.starttls = False
        await smtp.send()
        assert (len(server.messages), server.encrypted, server.logins) == (1, [False], [])


async def _sends(server: SmtpServer, **settings: Any) -> _SmtpClient:
    async with _smtp_client(server.port, **settings) as smtp:
        await smtp.send("ada.secret@example.com")
    return smtp


@pytest.mark.parametrize(
    ("command", "reply", "final"),
    [
        ("RCPT", "550 no such ada.secret", True),
        ("RCPT", "450 greylisted ada.secret", False),
        ("DATA", "554 no ada.secret", True),
        ("DATA", "451 later", False),
        ("MAIL", "550 not you", False),
        ("MAIL", "421 too busy", False),
        ("AUTH", "535 wrong", False),
    ],
)
async def test_a_permanent_refusal_is_a_failure_of_the_email_and_every_other_an_outage(
    command: str,
    reply: str,
    final: bool,  # noqa: FBT001 -- a table
) -> None:
    async with smtp_server() as server:
        server.replies = {command: reply}
        with pytest.raises(InvalidError if final else NoAnswerError) as refused, recorded_logs("debug") as recorded:
            await _sends(server, **LOGIN)
    assert "secret" not in str(refused.value), "it is kept with the dead letter"
    assert "secret" not in recorded.text
    assert "opensesame" not in recorded.text


@pytest.mark.parametrize("hangs", ["EHLO", "AUTH", "RCPT", "DATA"])
async def test_a_hanging_server_ends_at_the_deadline(hangs: str) -> None:
    async with smtp_server() as server, _smtp_client(server.port, **LOGIN, mail_timeout_seconds=1) as smtp:
        server.hangs = hangs
        with pytest.raises(TimedOutError):
            await smtp.send()
        assert smtp.counted("timeout") == 1


async def test_a_slowly_sent_greeting_ends_at_the_deadline_of_the_whole_call() -> None:
    async with smtp_server() as server, _smtp_client(server.port, mail_timeout_seconds=1) as smtp:
        server.drips = True
        with pytest.raises(TimedOutError):
            await smtp.send()


async def test_repeated_connection_failures_open_the_circuit_breaker() -> None:
    async with _smtp_client(free_port(), breaker_failures=2, breaker_open_seconds=60) as smtp:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await smtp.send()
        with pytest.raises(BreakerOpenError):
            await smtp.send()
        assert (smtp.counted("connection"), smtp.counted("breaker_open")) == (2, 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"mail_from": None}, "MAIL_FROM"),
        ({"mail_user": "shop"}, "MAIL_USER, MAIL_PASSWORD"),
        ({"mail_password": "opensesame"}, "MAIL_USER, MAIL_PASSWORD"),
        ({**LOGIN, "mail_starttls": False}, "MAIL_STARTTLS"),
        ({**LOGIN, "mail_url": "https://mail.example.com"}, "MAIL_USER, MAIL_PASSWORD"),
        ({"mail_api_key": "for-mail"}, "MAIL_API_KEY"),
        ({"mail_url": "imap://mail.example.com"}, "MAIL_URL"),
    ],
)
def test_invalid_combinations_of_settings_are_refused(settings: dict[str, object], named: str) -> None:
    given = {"mail_url": "smtp://mail.example.com", "mail_from": "shop@shop.test", **settings}
    with pytest.raises(SettingsError) as refused:
        read(_env_file=None, **given)
    assert named in {line.split(":")[0] for line in str(refused.value).splitlines()}
    assert "opensesame" not in str(refused.value)
