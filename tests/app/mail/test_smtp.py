"""Mail through a real SMTP server: encrypted, logged in, and never waited for without an end."""

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


class _Posting:
    def __init__(self, mailer: Mailer, registry: CollectorRegistry) -> None:
        self.mailer = mailer
        self._registry = registry

    async def send(self, address: str = "ada@example.com", key: str = "key-1") -> None:
        await self.mailer.send(key, address, HELLO)

    def counted(self, outcome: str) -> float | None:
        labels = {"target": "mail", "operation": "send", "outcome": outcome}
        return self._registry.get_sample_value("dependency_requests_total", labels)


@asynccontextmanager
async def _posting(port: int, scheme: str = "smtp", **settings: Any) -> AsyncIterator[_Posting]:
    given = {"mail_from": "shop@shop.test", "ssl_cert_file": CA, "mail_timeout_seconds": 20, **settings}
    made = read(_env_file=None, mail_url=f"{scheme}://localhost:{port}", **given)
    registry = CollectorRegistry()
    async with open_mailer(made, metered(made, registry)) as mailer:
        yield _Posting(mailer, registry)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_email_arrives_encrypted_after_the_login(scheme: str) -> None:
    async with smtp_server(implicit_tls=scheme == "smtps") as server:
        async with _posting(server.port, scheme, **LOGIN) as posting:
            await posting.send()
        assert posting.counted("ok") == 1
    assert (server.logins, server.encrypted) == ([("shop", "opensesame")], [True])
    assert ("STARTTLS" in server.commands) == (scheme == "smtp")
    [message] = server.messages
    for line in ("From: shop@shop.test", "To: ada@example.com", "Message-ID: <key-1@shop.test>"):
        assert f"{line}\r\n" in message
    assert "Welcome aboard" in message.replace("_", " ")


async def test_nothing_is_said_to_a_server_that_does_not_encrypt_or_that_nobody_vouches_for() -> None:
    async with smtp_server() as server:
        server.starttls = False
        async with _posting(server.port, **LOGIN) as posting:
            with pytest.raises(NoAnswerError, match="SMTPNotSupportedError"):
                await posting.send()
        server.starttls, server.replies = True, {"STARTTLS": "454 not now"}
        async with _posting(server.port, **LOGIN) as posting:
            with pytest.raises(NoAnswerError, match="SMTPResponseException"):
                await posting.send()
        server.replies = {}
        async with _posting(server.port, **LOGIN, ssl_cert_file=None) as posting:
            with pytest.raises(NoAnswerError) as unknown:
                await posting.send()
            assert unknown.value.kind == "connection"
    assert (server.logins, server.messages) == ([], [])


async def test_a_relay_beside_it_may_do_without() -> None:
    async with smtp_server() as server, _posting(server.port, mail_starttls=False) as posting:
        server.starttls = False
        await posting.send()
        assert (len(server.messages), server.encrypted, server.logins) == (1, [False], [])


async def _sends(server: SmtpServer, **settings: Any) -> _Posting:
    async with _posting(server.port, **settings) as posting:
        await posting.send("ada.secret@example.com")
    return posting


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
async def test_what_is_refused_for_good_is_a_fault_of_the_email_and_all_else_an_outage(
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
async def test_who_hangs_is_left_at_the_deadline(hangs: str) -> None:
    async with smtp_server() as server, _posting(server.port, **LOGIN, mail_timeout_seconds=1) as posting:
        server.hangs = hangs
        with pytest.raises(TimedOutError):
            await posting.send()
        assert posting.counted("timeout") == 1


async def test_a_greeting_that_drips_ends_at_the_deadline_of_the_whole_call() -> None:
    async with smtp_server() as server, _posting(server.port, mail_timeout_seconds=1) as posting:
        server.drips = True
        with pytest.raises(TimedOutError):
            await posting.send()


async def test_who_is_not_there_is_left_alone_after_some_tries() -> None:
    async with _posting(free_port(), breaker_failures=2, breaker_open_seconds=60) as posting:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await posting.send()
        with pytest.raises(BreakerOpenError):
            await posting.send()
        assert (posting.counted("connection"), posting.counted("breaker_open")) == (2, 1)


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
def test_settings_that_can_not_work_are_refused(settings: dict[str, object], named: str) -> None:
    given = {"mail_url": "smtp://mail.example.com", "mail_from": "shop@shop.test", **settings}
    with pytest.raises(SettingsError) as refused:
        read(_env_file=None, **given)
    assert named in {line.split(":")[0] for line in str(refused.value).splitlines()}
    assert "opensesame" not in str(refused.value)
