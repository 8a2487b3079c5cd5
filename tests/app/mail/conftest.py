"""Fixtures of the tests of mail."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.app.mail.mailbox import Post, open_post


@pytest.fixture
async def post(settings: Settings) -> AsyncIterator[Post]:
    """A post office on each database."""
    async with open_post(settings) as opened:
        yield opened
