"""Fixtures of the order tests."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.app.orders.shop import Shop, open_shop


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    """A shop on each database."""
    async with open_shop(settings) as opened:
        yield opened
