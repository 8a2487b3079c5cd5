"""Private CA and proxy: calls follow SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY, over real TLS."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import uuid4

import pytest

from app.infra.http_client import proxy_for
from app.infra.resilience.dependency import NoAnswerError
from app.orders.payment_provider import open_provider
from app.settings import SettingsError, read
from tests.support.raw_servers import accepting, listening
from tests.support.telemetry import metered
from tests.support.tls_proxy import CA, SERVER, SERVER_KEY

pytestmark = pytest.mark.anyio
ANSWER: Final = b'{"status": "succeeded"}'


@asynccontextmanager
async def _provider(received: list[dict[str, str]]) -> AsyncIterator[str]:
    """The URL of a TLS provider whose certificate the private CA signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SERVER, SERVER_KEY)
    async with listening(ANSWER, received, context) as url:
        yield url


@asynccontextmanager
async def _proxy(to: str, asked: list[list[str]]) -> AsyncIterator[str]:
    """The address of a proxy that records each CONNECT target and connects to the port of the URL `to`."""
    port = int(to.rpartition(":")[2])

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n"))
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()

    async with accepting(handle) as at:
        yield f"127.0.0.1:{at}"


async def _charge(url: str, **settings: Any) -> str:
    made = read(_env_file=None, provider_url=url, call_tries=1, provider_timeout_seconds=20, **settings)
    async with open_provider(made, metered(made)) as provider:
        return (await provider.charge(uuid4(), 1990, "EUR")).status


async def test_a_private_ca_is_trusted_where_it_is_named_and_nowhere_else() -> None:
    received: list[dict[str, str]] = []
    async with _provider(received) as url:
        assert await _charge(url, ssl_cert_file=CA) == "succeeded"
        with pytest.raises(NoAnswerError, match="ConnectError"):
            await _charge(url)
    assert len(received) == 1


async def test_calls_use_the_proxy_which_sees_the_address_only() -> None:
    received: list[dict[str, str]] = []
    asked: list[list[str]] = []
    async with _provider(received) as url, _proxy(url, asked) as proxy:
        outside = {"ssl_cert_file": CA, "https_proxy": f"http://ada:opensesame@{proxy}"}
        paid = await _charge("https://provider.test", **outside, provider_api_key="for-payments")
        assert paid == "succeeded"
        [request] = asked
        assert request[0] == "CONNECT provider.test:443 HTTP/1.1"
        assert f"Proxy-Authorization: Basic {b64encode(b'ada:opensesame').decode()}" in request
        assert not any("for-payments" in line for line in request)
        assert [each["authorization"] for each in received] == ["Bearer for-payments"]
        assert await _charge(url, **outside, no_proxy="127.0.0.1") == "succeeded"
        assert len(asked) == 1, "the second went without it"
        with pytest.raises(NoAnswerError, match="ConnectError"):
            await _charge("https://another.test", **outside)
        assert len(received) == 2, "the certificate is of another host"


async def test_an_unreachable_proxy_is_an_outage() -> None:
    received: list[dict[str, str]] = []
    async with listening(b"", received) as gone:
        with pytest.raises(NoAnswerError):
            await _charge("https://provider.test", https_proxy=gone.replace("http://127.0.0.1", "http://127.0.0.2"))


@pytest.mark.parametrize(
    ("url", "direct", "goes_through"),
    [
        ("https://provider.example.com", "", True),
        ("http://provider.example.com", "", False),
        ("https://provider.example.com", "example.com", False),
        ("https://provider.example.com", ".example.com", False),
        ("https://provider.example.com:8443", "other.com,provider.example.com", False),
        ("https://example.company", "example.com", True),
        ("https://provider.example.com", "*", False),
    ],
)
def test_no_proxy_selects_the_direct_calls(url: str, direct: str, goes_through: bool) -> None:  # noqa: FBT001 -- a table
    settings = read(_env_file=None, https_proxy="http://proxy:3128", no_proxy=direct)
    assert (proxy_for(url, settings) is not None) is goes_through


def test_without_a_proxy_every_call_is_direct() -> None:
    assert proxy_for("https://provider.example.com", read(_env_file=None)) is None


def test_an_invalid_proxy_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        read(_env_file=None, https_proxy="ada:opensesame@proxy", ssl_cert_file="/nowhere/authorities.pem")
    assert "SSL_CERT_FILE: the file does not exist" in str(refused.value)
    assert "HTTPS_PROXY: must start with http:// or https://" in str(refused.value)
    assert "opensesame" not in str(refused.value)


def test_settings_are_read_from_the_standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(CA))
    settings = read(_env_file=None)
    assert settings.https_proxy is not None
    assert (settings.no_proxy, settings.ssl_cert_file) == (["localhost", ".example.com"], CA)
