"""REDIS_URL applies to each use of Redis: TLS with a private CA, ACL users, parameters."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import pytest
import redis as redis_client
from redis.asyncio import SSLConnection

from app.infra.redis.pool import open_pool
from app.settings import Settings, read
from tests.support.ports import free_port
from tests.support.redis_uses import USES, refused_uses, use_all
from tests.support.servers import own_redis
from tests.support.tls_proxy import CA, CLIENT, CLIENT_KEY, ENCRYPTED_CLIENT_KEY, PASSPHRASE, tls_before

pytestmark = pytest.mark.anyio
USERNAME = "shop@work"
PASSWORD = "p@ss/word?#:%20 ü"
CLIENT_CERTIFICATE = f"ssl_certfile={CLIENT}&ssl_keyfile={CLIENT_KEY}"


class Server(NamedTuple):
    """A Redis server; `admin` is unrestricted, and its own commands are counted too."""

    port: int
    admin: redis_client.Redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    with own_redis(tmp_path_factory.mktemp("redis"), port), redis_client.Redis(port=port) as admin:
        admin.acl_setuser(
            USERNAME, enabled=True, passwords=f"+{PASSWORD}", keys=["*"], channels=["*"], categories=["+@all"]
        )
        yield Server(port, admin)


@pytest.fixture
def tls(server: Server) -> Iterator[int]:
    with tls_before(server.port) as port:
        yield port


def _settings(url: str) -> Settings:
    return read(redis_url=url, database_url="postgresql://127.0.0.1:9/none", _env_file=None)


@pytest.fixture(autouse=True)
def _long_timeouts(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 10.0)
    server.admin.flushall()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_each_use_accepts_tls_with_a_private_ca(tls: int, host: str) -> None:
    await use_all(_settings(f"rediss://{host}:{tls}/0?ssl_ca_certs={CA}"))


def test_connections_of_a_pool_read_certificates_once() -> None:
    address = _settings(f"rediss://localhost?ssl_ca_certs={CA}").redis
    assert address is not None
    pool = open_pool(address, 2)
    one, other = [pool.make_connection() for _ in range(2)]  # type: ignore[no-untyped-call]
    assert isinstance(one, SSLConnection)
    assert isinstance(other, SSLConnection)
    assert one is not other
    assert one.ssl_context.get() is other.ssl_context.get()


async def test_each_use_trusts_the_ca_of_the_environment(tls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CA))
    await use_all(_settings(f"rediss://localhost:{tls}"))


@pytest.mark.parametrize(
    "query", ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_NONE", f"ssl_ca_certs={CA}&ssl_check_hostname=false"]
)
async def test_certificate_checks_can_be_disabled(tls: int, query: str) -> None:
    await use_all(_settings(f"rediss://localhost:{tls}?{query}"))


@pytest.mark.parametrize("query", ["", "?ssl_cert_reqs=optional"])
async def test_each_use_refuses_a_certificate_of_an_unknown_ca(tls: int, query: str) -> None:
    assert await refused_uses(_settings(f"rediss://localhost:{tls}/0{query}")) == set(USES)


@pytest.mark.parametrize(
    "key", [CLIENT_CERTIFICATE, f"ssl_certfile={CLIENT}&ssl_keyfile={ENCRYPTED_CLIENT_KEY}&ssl_password={PASSPHRASE}"]
)
async def test_each_use_sends_the_client_certificate(server: Server, key: str) -> None:
    with tls_before(server.port, clients=True) as port:
        await use_all(_settings(f"rediss://localhost:{port}?ssl_ca_certs={CA}&{key}"))


async def test_a_server_that_requires_client_certificates_refuses_others(server: Server) -> None:
    with tls_before(server.port, clients=True) as port:
        assert await refused_uses(_settings(f"rediss://localhost:{port}?ssl_ca_certs={CA}")) == set(USES)


async def test_each_use_logs_in_as_the_user_of_the_url(server: Server) -> None:
    server.admin.acl_log_reset()
    server.admin.acl_setuser("default", enabled=False)
    try:
        userinfo = f"{quote(USERNAME)}:{quote(PASSWORD, safe='')}"
        await use_all(_settings(f"redis://{userinfo}@localhost:{server.port}/2"))
        credentials = f"username={quote(USERNAME)}&password={quote(PASSWORD)}"
        await use_all(_settings(f"redis://localhost:{server.port}?{credentials}&db=3"))
        assert await refused_uses(_settings(f"redis://shop:wrong@localhost:{server.port}")) == set(USES)
    finally:
        server.admin.acl_setuser("default", enabled=True, nopass=True, keys=["*"], channels=["*"], categories=["+@all"])
    assert server.admin.info("keyspace").keys() >= {"db2", "db3"}


@pytest.mark.parametrize("protocol", [2, 3])
async def test_parameters_apply_to_each_use(server: Server, protocol: int) -> None:
    waits = "socket_timeout=9&socket_connect_timeout=9.5&socket_keepalive=true&health_check_interval=30"
    server.admin.config_resetstat()
    await use_all(_settings(f"redis://localhost:{server.port}?client_name=shop&protocol={protocol}&{waits}"))
    connections = server.admin.info("stats")["total_connections_received"]
    commands = server.admin.info("commandstats")
    assert commands["cmdstat_client|setname"]["calls"] == connections >= len(USES)
    assert commands.get("cmdstat_hello", {"calls": 0})["calls"] == (connections if protocol == 3 else 0)
