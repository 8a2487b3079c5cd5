"""The ACL user that the chart creates in Valkey may do what the service does, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
import redis as redis_client

from app.commands.smoke import smoke
from app.settings import read
from tests.support.ports import free_port
from tests.support.processes import Processes
from tests.support.redis_uses import use_all
from tests.support.servers import PostgreSQL, own_redis
from tests.support.shops import distributed, stores_at
from tests.support.tls_proxy import CA, tls_before

pytestmark = pytest.mark.anyio
PASSWORD: Final = "two words"
FORBIDDEN: Final = (
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG GET *",
    "CONFIG SET maxmemory 1",
    "ACL LIST",
    "ACL SETUSER default +@all",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DEBUG SLEEP 0",
    "SCRIPT FLUSH",
    "SCRIPT KILL",
    "FUNCTION FLUSH",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "CLIENT PAUSE 1",
    "MONITOR",
    "SHUTDOWN",
    "SAVE",
    "REPLICAOF NO ONE",
    "MIGRATE localhost 1 key 0 1",
    "SWAPDB 0 1",
    "MODULE LIST",
    "INFO",
    "GET others",
    "SET others 1",
    "DEL others",
    "RENAME cache:a others",
    "EVAL return{redis.call('GET','others')} 0",
    "EVAL return{redis.call('FLUSHALL')} 0",
    "EVAL return{redis.call('KEYS','*')} 0",
    "PUBLISH others 1",
    "SUBSCRIBE others",
    "PSUBSCRIBE *",
)


@pytest.fixture(scope="module")
def rules() -> str:
    """The ACL rules in the chart's template."""
    text = (Path(__file__).parents[3] / "helm/binnacle/templates/valkey/configmap.yaml").read_text()
    (found,) = re.findall(r'define "binnacle.valkeyRules" -}}\n(.*)\n', text)
    return str(found)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, rules: str) -> Iterator[int]:
    """The port of a server that has loaded the line that the chart's container writes."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    admin = "user admin on nopass ~* &* +@all"
    (folder / "user.conf").write_text(f'user default on ">{PASSWORD}" {rules}\n{admin}\n')
    with own_redis(folder, port, folder / "user.conf"):
        yield port


@pytest.fixture
def admin(port: int) -> Iterator[redis_client.Redis]:
    """An unrestricted client, with the log of refused commands reset."""
    with redis_client.Redis(port=port, username="admin", password="any") as client:
        client.acl_log_reset()
        yield client


def test_compose_and_the_redis_documentation_have_the_same_rules(rules: str) -> None:
    root = Path(__file__).parents[3]
    for page in ("compose/secrets.sh", "docs/redis.md"):
        assert rules in " ".join((root / page).read_text().replace("\\\n", " ").split()), page


async def test_each_use_of_redis_is_allowed(
    port: int, admin: redis_client.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.redis.pool.REDIS_SECONDS", 10.0)
    url = f"redis://:{quote(PASSWORD)}@localhost:{port}"
    await use_all(read(redis_url=url, database_url="postgresql://127.0.0.1:9/none", _env_file=None))
    assert admin.acl_log() == []


@pytest.mark.parametrize("command", FORBIDDEN)
def test_other_commands_are_refused(port: int, command: str) -> None:
    with (
        redis_client.Redis(port=port, password=PASSWORD) as client,
        pytest.raises(redis_client.exceptions.ResponseError, match=r"(?i)no permissions|NOPERM|DEBUG command not"),
    ):
        client.execute_command(*command.split())


def test_a_whole_shop_works_as_this_user_over_tls(
    port: int, admin: redis_client.Redis, postgresql: PostgreSQL, seeded_postgresql: str, processes: Processes
) -> None:
    with tls_before(port) as tls, postgresql.database(like=seeded_postgresql) as database:
        url = f"rediss://:{quote(PASSWORD)}@localhost:{tls}/1?ssl_ca_certs={CA}"
        shop = distributed(processes, stores_at(database, url))
        smoke(shop.urls[0], say=lambda _line: None)
    assert admin.acl_log() == []
    assert "db1" in admin.info("keyspace")
