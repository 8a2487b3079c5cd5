"""WebSocket origins: allowed origins and clients without an Origin header are accepted, all others refused."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.processes.api import create_app
from app.settings import read
from tests.app.api.serving import connected, serving

pytestmark = pytest.mark.anyio
HANDSHAKE = (
    "GET /ws/orders/1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def _status(port: int, fields: str) -> bytes:
    """The status of a handshake with these header fields."""
    async with connected(port) as connection:
        await connection.send(f"{HANDSHAKE}{fields}\r\n".encode("latin-1"))
        return (await connection.until(b"\r\n")).split()[1]


@pytest.fixture
async def shop(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[int]:
    """The port of the API."""
    state = shutil.copytree(migrated_sqlite, tmp_path / "state")
    binnacle = create_app(read(state_dir=state, cors_origins=["https://shop.example.com"], _env_file=None))
    async with serving(binnacle) as port:
        yield port


async def test_an_allowed_origin_and_none_are_accepted(shop: int) -> None:
    for fields in (
        "Host: shop\r\n",
        "Host: shop\r\nOrigin: http://shop\r\n",
        "Host: [::1]:8000\r\nOrigin: http://[::1]:8000\r\n",
        "Host: shop\r\nOrigin: https://shop.example.com\r\n",
    ):
        assert await _status(shop, fields) == b"101", fields


async def test_any_other_origin_is_refused_before_the_handshake(shop: int) -> None:
    malformed = ("http://[", "http://[::1", "http://]shop", "http://[shop]", "null", "", "shop", "//", "http://sh\xf6p")
    fields = [f"Host: shop\r\nOrigin: {origin}\r\n" for origin in (*malformed, "http://evil.example")]
    for given in (*fields, "Host: \r\nOrigin: null\r\n"):
        assert await _status(shop, given) == b"403", given
    two = "Host: shop\r\nOrigin: http://shop\r\nOrigin: http://evil.example\r\n"
    assert await _status(shop, two) == b"400", "which the server does"
