"""The database role of the running application: it reads and writes rows, changes no schema, and is no superuser."""

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64encode
from typing import Final

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from app.infra.database.engine import create_engine
from app.settings import Settings

_ADVISORY_LOCK: Final = 4_209_000_002  # concurrent grants of the same privileges fail
_ITERATIONS: Final = 4096  # PostgreSQL's default
_ROLE: Final = text("SELECT rolsuper FROM pg_roles WHERE rolname = :name")
_MAY_CREATE: Final = text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
_GRANTS: Final = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
)


class RoleError(Exception):
    """The application's role can't be set up; the message says what to do."""


def provide(settings: Settings) -> None:
    """Grants the role of DATABASE_APPLICATION_URL its privileges; does nothing without that setting.

    Creates the role and sets its password, if the user of DATABASE_URL may. Raises RoleError.
    """
    if settings.database_application_url is None:
        return
    url = make_url(settings.database_application_url.get_secret_value())
    asyncio.run(_provide(settings, url.username or "", str(url.password or "")))


async def _provide(settings: Settings, name: str, password: str) -> None:
    engine = create_engine(settings, limited=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_grant, name, password)
    except ProgrammingError as error:  # its message names tables and roles alone
        raise RoleError(f"DATABASE_URL's user can't grant to {name}: {error.orig}") from error
    finally:
        await engine.dispose()


def _grant(connection: Connection, name: str, password: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    quote = connection.dialect.identifier_preparer.quote_identifier
    found = connection.execute(_ROLE, {"name": name}).scalar_one_or_none()
    if found:
        raise RoleError(f"DATABASE_APPLICATION_URL: {name} is a superuser; name a role of its own for the application")
    if connection.execute(_MAY_CREATE).scalar_one():
        verb = "CREATE" if found is None else "ALTER"
        connection.exec_driver_sql(f"{verb} ROLE {quote(name)} LOGIN PASSWORD '{_verifier(password)}'")
        if found is None:
            structlog.get_logger().info("database_role_created", role=name)
    elif found is None:
        raise RoleError(f"DATABASE_APPLICATION_URL: there is no role {name}, and DATABASE_URL's user may not create it")
    schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    for grant in _GRANTS:
        connection.exec_driver_sql(grant.format(schema=quote(schema), role=quote(name)))


def _verifier(password: str) -> str:
    """Returns PostgreSQL's SCRAM verifier of a password, so that the server never logs the password itself.

    https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
