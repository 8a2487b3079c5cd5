"""A real PgBouncer in front of a real PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.ports import free_port

START_SECONDS = 20
CONFIGURATION = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 3
ignore_startup_parameters = {ignored}
{more}
"""


def find_pgbouncer() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail("pgbouncer is not on PATH: Debian: apt-get install pgbouncer", pytrace=False)
    return found


@contextmanager
def pgbouncer(url: str, folder: Path, *, mode: str = "transaction", ignored: str = "", more: str = "") -> Iterator[str]:
    """Runs PgBouncer with three connections to the database at `url`, and `more` settings; yields the pooled URL."""
    parts, port = urlsplit(url), free_port()
    host = parse_qs(parts.query).get("host", [parts.hostname])[0]
    file = folder / f"pgbouncer-{port}.ini"
    place = {"host": host, "port": parts.port or 5432, "listen": port}
    file.write_text(CONFIGURATION.format(**place, mode=mode, ignored=ignored, more=more))
    # It refuses to run as root, and the server's directory belongs to its own user.
    as_user = ["-u", "pgserver"] if os.geteuid() == 0 else []
    log = folder / "pgbouncer.log"
    with log.open("ab") as output:
        process = subprocess.Popen([find_pgbouncer(), *as_user, file], stdout=output, stderr=output)
        try:
            _await_port(process, port, log)
            yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"PgBouncer takes no connections:\n{log.read_text()}")
