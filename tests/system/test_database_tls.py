"""TLS to the database with real certificates: what each sslmode verifies. PgBouncer terminates it here."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from app.infra.database import open_database
from app.infra.database.outages import RefusedError
from app.settings import SettingsError, read
from tests.support import servers
from tests.system.pooler import pgbouncer

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Server:
    """`url` leads to it by the name in its self-signed certificate."""

    url: str
    certificate: Path
    key: Path


@contextmanager
def _certificate() -> Iterator[tuple[Path, Path]]:
    """A certificate for localhost, and its key, which the pooler's user may read."""
    with tempfile.TemporaryDirectory(prefix="binnacle-tls-") as folder:
        Path(folder).chmod(0o755)
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        command = ["openssl", "req", "-x509", *kind, *subject, "-out", str(certificate), "-keyout", str(key)]
        subprocess.run(command, check=True, capture_output=True)
        key.chmod(0o644)
        yield certificate, key


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.postgresql() as postgresql, _certificate() as (certificate, key):
        files = f"client_tls_cert_file = {certificate}\nclient_tls_key_file = {key}"
        folder = tmp_path_factory.mktemp("pgbouncer")
        with pgbouncer(postgresql.url, folder, more=f"client_tls_sslmode = require\n{files}") as url:
            yield Server(url.replace("127.0.0.1", "localhost"), certificate, key)


async def _select(url: str) -> int:
    settings = read(_env_file=None, database_url=url, database_pooler="transaction")
    async with open_database(settings) as database, database.read() as session:
        answer: int = (await session.execute(text("SELECT 1"))).scalar_one()
        return answer


@pytest.mark.parametrize("words", ["sslmode=require", "ssl=true", ""])
async def test_encryption_without_verification_accepts_any_certificate(server: Server, words: str) -> None:
    assert await _select(f"{server.url}?{words}") == 1


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_the_ca_file_verifies_the_server(server: Server, mode: str) -> None:
    assert await _select(f"{server.url}?sslmode={mode}&sslrootcert={server.certificate}") == 1


async def test_another_ca_another_name_and_no_encryption_are_refused(server: Server) -> None:
    by_address = server.url.replace("localhost", "127.0.0.1")
    with _certificate() as (other, _):
        for url in (
            f"{server.url}?sslmode=verify-full&sslrootcert={other}",
            f"{server.url}?sslmode=verify-full&sslrootcert=system",
            f"{by_address}?sslmode=verify-full&sslrootcert={server.certificate}",
            f"{server.url}?sslmode=disable",
        ):
            with pytest.raises(RefusedError):
                await _select(url)


def test_a_client_certificate_needs_its_own_key(server: Server) -> None:
    def settings(key: Path) -> object:
        url = f"{server.url}?sslmode=require&sslcert={server.certificate}&sslkey={key}"
        return read(_env_file=None, database_url=url).database_server

    assert settings(server.key) is not None
    with _certificate() as (_, other), pytest.raises(SettingsError, match="sslcert and sslkey: they do not match"):
        settings(other)
