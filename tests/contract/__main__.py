"""Runs Schemathesis against the service: every check, as each role, on both back ends."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Final
from uuid import uuid4

from app.infra.database import open_database, schema
from app.infra.database.orm import now
from app.infra.outbox.models import DeadLetter
from app.mail.topics import MAIL_WELCOME
from app.seeding.items import seed
from app.settings import Settings, read
from tests.support import servers
from tests.support.processes import REPOSITORY, Processes, end_by_sigterm

ROLES: Final = ("user", "moderator", "admin")
BACK_ENDS: Final = ("embedded", "distributed")
CONFIGURATION: Final = Path(__file__).with_name("schemathesis.toml")
LIMITS: Final = (
    "RATE_LIMIT_READS",
    "RATE_LIMIT_WRITES",
    "LOGIN_FAILURES",
    "LOGIN_FAILURES_PER_ADDRESS",
    "REGISTRATIONS_PER_ADDRESS",
)
ENOUGH: Final = 100  # examples of an operation, to get one of each through
ADMINISTRATION: Final = frozenset(
    {"change_rights", "delete_user", "list_dead_letters", "list_users", "redrive_dead_letter", "replace_rights"}
    | {"start_campaign"}
)
OUT_OF_REACH: Final = {
    "user": ADMINISTRATION,
    "moderator": ADMINISTRATION,
    "admin": frozenset({"delete_me"}),
}  # the last one stays
GIVEN_UP: Final = 100
ROOM: Final = dict.fromkeys(LIMITS, 10**9)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="test cases an operation (%(default)s)")
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=ROLES, help="callers (%(default)s)")
    parser.add_argument("--back-ends", nargs="+", choices=BACK_ENDS, default=BACK_ENDS, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is generated (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (%(default)s)")
    options = parser.parse_args()
    end_by_sigterm()
    pairs = list(product(options.back_ends, options.roles))
    if len(pairs) == 1:
        return 0 if _holds(*pairs[0], options.examples, options.seed) else 1

    def run(back_end: str, role: str) -> bool:
        """In a process of its own; what it says is shown when it is over."""
        command = [sys.executable, "-m", "tests.contract", "--back-ends", back_end, "--roles", role]
        numbers = ["--examples", str(options.examples), "--seed", str(options.seed)]
        began = time.monotonic()
        with subprocess.Popen([*command, *numbers], cwd=REPOSITORY, text=True, stdout=subprocess.PIPE) as running:
            started.append(running)
            said, _ = running.communicate()
        sys.stdout.write(f"=== {back_end}, {role}: {time.monotonic() - began:.0f} s\n{said}\n")
        sys.stdout.flush()
        return running.returncode == 0

    started: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(options.jobs) as jobs:
        try:
            held = dict(zip(pairs, jobs.map(run, *zip(*pairs, strict=True)), strict=True))
        except BaseException:
            jobs.shutdown(wait=False, cancel_futures=True)
            for running in started:
                running.terminate()
            raise
    failed = [", ".join(pair) for pair, holds in held.items() if not holds]
    sys.stdout.write(f"found something: {'; '.join(failed)}\n" if failed else "nothing found\n")
    return 1 if failed else 0


def _holds(back_end: str, role: str, examples: int, seed_number: int) -> bool:
    """Whether a new service of this kind does what its contract says, for a caller of this role."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = stack.enter_context(Processes(folder))
        settings = {"SECRET_KEY": "k" * 32, "STATE_DIR": str(folder / "state"), "PROVIDER_URL": processes.sandbox()}
        if back_end == "distributed":
            server = stack.enter_context(servers.postgresql())
            settings["DATABASE_URL"] = stack.enter_context(server.database())
            settings["REDIS_URL"] = f"{stack.enter_context(servers.redis(folder))}/0"
        made = read(**{name.lower(): value for name, value in settings.items()}, _env_file=None)
        schema.migrate(made)
        seed(made)
        asyncio.run(_give_up(made))
        if back_end == "distributed":
            processes.worker(**settings)
        _, url = processes.api(**settings, **ROOM)
        st = [str(Path(sys.executable).parent / "st"), "--config-file", str(CONFIGURATION), "--no-color"]
        command = ["run", f"{url}/openapi.json", "--checks", "all", "--request-timeout", "20"]
        options = ["--max-examples", str(examples), "--seed", str(seed_number)]
        reached = folder / "reached.json"
        about = {"CONTRACT_URL": url, "CONTRACT_ROLE": role, "CONTRACT_REACHED": str(reached)}
        hooks = {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "NO_COLOR": "1"}
        environment = {**os.environ, **settings, **about, **hooks}
        done = subprocess.run([*st, *command, *options], cwd=REPOSITORY, env=environment, check=False)
        answers = json.loads(reached.read_text()) if reached.exists() else {}
        unreached = _tell(answers) - OUT_OF_REACH[role]
    if unreached and examples >= ENOUGH:
        sys.stdout.write(f"never answered with success: {', '.join(sorted(unreached))}\n")
        return False
    return done.returncode == 0


async def _give_up(settings: Settings) -> None:
    """Leaves work that was given up, for administrators to find; it concerns nobody."""
    async with open_database(settings) as database, database.write() as session:
        for _ in range(GIVEN_UP):
            session.add(
                DeadLetter(
                    id=uuid4(),
                    topic=MAIL_WELCOME,
                    payload={"account_id": str(uuid4())},
                    traceparent="",
                    request_id="",
                    created_at=now(),
                    attempts=1,
                    error="The mail service did not answer.",
                )
            )


def _tell(answers: dict[str, int]) -> set[str]:
    """Prints what each operation answered, and returns those that never succeeded.

    A run that meets nothing but refusals finds nothing either.
    """
    operations: dict[str, list[str]] = {}
    for answer, number in sorted(answers.items()):
        operation, status = answer.split(maxsplit=1)
        operations.setdefault(operation, []).append(f"{status}: {number}")
    for operation, statuses in operations.items():
        sys.stdout.write(f"{operation:24}{', '.join(statuses)}\n")
    return {operation for operation, statuses in operations.items() if statuses[0][0] not in "23"}


if __name__ == "__main__":
    sys.exit(main())
