"""Fixtures of the mail tests."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.app.mail.mailbox import MailFixture, open_mail_fixture


@pytest.fixture
async def mail(settings: Settings) -> AsyncIterator[MailFixture]:
    """Outbox, handlers and mailer on each database."""
    async with open_mail_fixture(settings) as opened:
        yield opened
