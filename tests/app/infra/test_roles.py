"""The application's role reads and writes rows only; `migrate` creates it and grants its privileges."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.commands.smoke import smoke
from app.infra.database import roles, schema
from app.seeding.items import seed
from app.settings import SettingsError, read
from tests.support.processes import Processes
from tests.support.servers import PostgreSQL
from tests.support.shops import distributed, stores_at

WORD = "word"


@pytest.fixture
def role(postgresql: PostgreSQL) -> Iterator[str]:
    """A name for a role of this server, which is dropped afterwards with its privileges."""
    name = f'app "{uuid4().hex[:8]}"'
    yield name
    postgresql._execute(f"DROP ROLE IF EXISTS {_quoted(name)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as(url: str, user: str, password: str = WORD) -> str:
    return make_url(url).set(username=user, password=password).render_as_string(hide_password=False)


def _run(url: str, *statements: str) -> list[object]:
    async def run() -> list[object]:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()

    return asyncio.run(run())


def _migrate(owner: str, application: str) -> None:
    settings = read("migrate", database_url=owner, database_application_url=application, _env_file=None)
    schema.migrate(settings)
    roles.provide(settings)


@pytest.fixture
def drop(postgresql: PostgreSQL, database_url: str, role: str) -> Iterator[None]:
    yield
    if _run(postgresql.url, f"SELECT to_regrole($${_quoted(role)}$$)") != [None]:
        _run(database_url, f"DROP OWNED BY {_quoted(role)}")


@pytest.mark.usefixtures("drop")
def test_the_role_reads_and_writes_rows_and_can_not_change_the_schema(database_url: str, role: str) -> None:
    application = _as(database_url, role)
    for _ in range(2):  # the second run is an upgrade
        _migrate(database_url, application)
    settings = read(database_url=application, _env_file=None)
    schema.wait_until_current(settings)
    assert seed(settings) > 0
    for refused in (
        "CREATE TABLE own (id int)",
        "DROP TABLE items",
        "ALTER TABLE items ADD COLUMN own int",
        "TRUNCATE items",
        "CREATE ROLE other",
        "UPDATE alembic_version SET version_num = '0000'",
        "COPY items TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            _run(application, refused)


@pytest.mark.usefixtures("drop")
def test_privileges_cover_tables_of_later_migrations(database_url: str, role: str) -> None:
    application = _as(database_url, role)
    _migrate(database_url, application)
    _run(database_url, "CREATE TABLE later (id serial)")
    assert _run(application, "INSERT INTO later DEFAULT VALUES RETURNING id", "DELETE FROM later") == [1, None]


@pytest.mark.usefixtures("drop")
def test_its_password_is_that_of_the_url_and_stored_as_a_verifier(
    postgresql: PostgreSQL, database_url: str, role: str
) -> None:
    kept = []
    for password in ("first", "second"):
        _migrate(database_url, _as(database_url, role, password))
        query = f"SELECT rolpassword FROM pg_authid WHERE oid = to_regrole($${_quoted(role)}$$)"  # noqa: S608
        kept += _run(postgresql.url, query)
    assert kept[0] != kept[1]
    for verifier in kept:
        assert str(verifier).startswith("SCRAM-SHA-256$4096:")


def test_the_verifier_equals_postgresqls_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Example of RFC 7677: user "user", password "pencil".
    salt = bytes.fromhex("5b6d99689d12358eeca04b141236fa81")
    monkeypatch.setattr("secrets.token_bytes", lambda _length: salt)
    assert roles._verifier("pencil").startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert roles._verifier("pencil").endswith(":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")


@pytest.mark.usefixtures("drop")
def test_an_owner_without_createrole_grants_to_an_existing_role(
    postgresql: PostgreSQL, database_url: str, role: str
) -> None:
    owner = f"owner_{uuid4().hex[:8]}"
    _run(postgresql.url, f"CREATE ROLE {owner} LOGIN")
    try:
        _run(database_url, f"GRANT CREATE, USAGE ON SCHEMA public TO {owner}")
        with pytest.raises(roles.RoleError, match="there is no role"):
            _migrate(_as(database_url, owner), _as(database_url, role))
        _run(postgresql.url, f"CREATE ROLE {_quoted(role)} LOGIN")
        _migrate(_as(database_url, owner), _as(database_url, role))
        assert _run(_as(database_url, role), "SELECT count(*) FROM items") == [0]
    finally:
        _run(database_url, f"DROP OWNED BY {owner} CASCADE", f"DROP ROLE {owner}")


def test_a_superuser_is_refused(postgresql: PostgreSQL, database_url: str, role: str) -> None:
    _run(postgresql.url, f"CREATE ROLE {_quoted(role)} LOGIN SUPERUSER")
    with pytest.raises(roles.RoleError, match="superuser"):
        _migrate(database_url, _as(database_url, role))


@pytest.mark.parametrize(
    ("application", "named"),
    [
        ("postgresql://db/shop", "must name a user"),
        ("mysql://a@db", "must name a user"),
        ("postgresql://u@db/", "another"),
    ],
)
def test_a_url_without_its_own_role_is_refused(application: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read("migrate", database_url="postgresql://u@db/shop", database_application_url=application, _env_file=None)


@pytest.mark.usefixtures("drop")
def test_a_whole_shop_runs_as_the_role(processes: Processes, database_url: str, redis_url: str, role: str) -> None:
    application = _as(database_url, role)
    _migrate(database_url, application)
    seed(read(database_url=application, _env_file=None))
    shop = distributed(processes, stores_at(application, redis_url))
    smoke(shop.urls[0], say=lambda _line: None)
