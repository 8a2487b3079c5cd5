"""Command line: python -m app COMMAND, with a command for each process."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from app.settings import SettingsError


class Command(NamedTuple):
    """Command: `summary` is shown in the list of commands, `details` only in the command's own help."""

    name: str
    summary: str
    details: str
    options: Callable[[argparse.ArgumentParser], object] = lambda _parser: None


def _migrate(parser: argparse.ArgumentParser) -> None:
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--wait", action="store_true", help="wait until another process has migrated")
    instead.add_argument("--new", metavar="NAME", type=_name, help="create a migration from the current models")
    instead.add_argument("--history", action="store_true", help="list the migrations; * marks the current one")
    instead.add_argument("--down", action="store_true", help="revert the newest migration, and delete its data")


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a migration needs a name, such as 'items get a colour'")
    return text.strip()


def _promote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="username of a registered account, in any case")
    parser.add_argument(
        "--role", required=True, choices=("user", "moderator", "admin"), help="role to give to the account"
    )


def _smoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="base URL of the API, such as http://127.0.0.1:8000")


COMMANDS = (
    Command(
        "run",
        "run the whole shop on this machine: migrated, seeded, with the sandbox provider",
        "Needs no settings. SQLite and all other state are in STATE_DIR. Ctrl-C drains and stops everything.",
    ),
    Command(
        "serve",
        "serve the API with gunicorn",
        "Runs WEB_CONCURRENCY processes. The API is on HOST and PORT, metrics are on ADMIN_HOST and ADMIN_PORT. At"
        " SIGTERM it keeps serving for DRAIN_SECONDS, then finishes the requests in flight. Run `migrate` before.",
    ),
    Command(
        "worker",
        "run the jobs in the queue in Redis, such as payments",
        "Needs DATABASE_URL (PostgreSQL) and REDIS_URL. Runs WORKER_CONCURRENCY jobs at once. At SIGTERM it finishes"
        " the jobs in progress; the reconciler queues interrupted jobs again.",
    ),
    Command(
        "reconciler",
        "queue overdue jobs again",
        "Needs DATABASE_URL (PostgreSQL) and REDIS_URL. The database is the source of truth and the queue only"
        " speeds work up: the reconciler replaces lost messages. Run one; a second one does no harm.",
    ),
    Command(
        "migrate",
        "update the database's schema",
        "Waits up to two minutes for the database. It may run several times at once: a lock lets one run at a time."
        " Exit code 1: the database did not respond in time.",
        _migrate,
    ),
    Command(
        "seed",
        "add sample items that are missing",
        "When embedded, it also creates an account for each role, and prints the file with their passwords.",
    ),
    Command(
        "sandbox",
        "serve a stand-in for the providers of payments, exchange rates and mail; moves no money",
        "Listens on SANDBOX_HOST and SANDBOX_PORT, and keeps its ledger in SANDBOX_DATABASE.",
    ),
    Command(
        "promote",
        "give an account a role, such as that of the first administrator",
        "Follows the same rules as the API: the last administrator can't be demoted, and tokens from before the change"
        " become invalid. A second run changes nothing. Exit code 1: the account does not exist.",
        _promote,
    ),
    Command("openapi", "print the OpenAPI document", "Prints JSON to standard output; opens no database and no port."),
    Command(
        "smoke",
        "test a running service: register, order, and wait for the payment",
        "Prints a line for each step. Exit code 1: a step failed. It leaves an account and a paid order behind.",
        _smoke,
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 failed, 2 refused to start."""
    options = _parser().parse_args(arguments)
    try:
        code: int = import_module(f"app.commands.{options.command}").run(options)
    except SettingsError as refusal:
        sys.stderr.write(f"Binnacle does not start:\n{refusal}\n")
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Binnacle, a small shop. Settings come from the environment, from .env, and from the files in"
        " SECRETS_DIR; docs/settings.md lists them.",
        epilog="`python -m app COMMAND --help` shows details. Exit codes: 0 done, 1 failed, 2 refused to start.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        description = f"{command.summary[0].upper()}{command.summary[1:]}. {command.details}"
        command.options(commands.add_parser(command.name, help=command.summary, description=description))
    return parser
