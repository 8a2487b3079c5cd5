"""python -m app: one image, and a command for each process."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from app.settings import SettingsError


class Command(NamedTuple):
    """`summary` stands in the list of commands, `details` below it in the command's own help."""

    name: str
    summary: str
    details: str
    options: Callable[[argparse.ArgumentParser], object] = lambda _parser: None


def _migrate(parser: argparse.ArgumentParser) -> None:
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--wait", action="store_true", help="change nothing: wait until another process has migrated")
    instead.add_argument("--new", metavar="NAME", type=_name, help="write a migration to what the models say now")
    instead.add_argument("--history", action="store_true", help="list the migrations; * marks the current one")
    instead.add_argument("--down", action="store_true", help="undo the newest migration, with the data that it holds")


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
        "the whole shop on this machine: migrated, seeded, with the sandbox provider",
        "Needs no settings: SQLite and the rest of the state lie in STATE_DIR. Ctrl-C drains and stops everything.",
    ),
    Command(
        "serve",
        "the API, under gunicorn",
        "Listens on HOST and PORT, metrics on ADMIN_HOST and ADMIN_PORT; WEB_CONCURRENCY processes. At SIGTERM it"
        " serves on for DRAIN_SECONDS, then finishes what is in flight. `migrate` comes first.",
    ),
    Command(
        "worker",
        "does the jobs in Redis's queue, payments and all others",
        "Needs DATABASE_URL (PostgreSQL) and REDIS_URL. WORKER_CONCURRENCY jobs at once. At SIGTERM it finishes those"
        " in hand; the reconciler queues again what is cut off all the same.",
    ),
    Command(
        "reconciler",
        "queues overdue jobs again",
        "Needs DATABASE_URL (PostgreSQL) and REDIS_URL. The database is the source of truth and the queue only"
        " speeds work up: this replaces messages that were lost. One is enough, a second does no harm.",
    ),
    Command(
        "migrate",
        "brings the database's schema up to date",
        "Waits up to two minutes for the database to answer. Any number may run at once: one works at a time."
        " Exit code 1 when the database did not answer in time.",
        _migrate,
    ),
    Command(
        "seed",
        "adds a small catalogue, if it is not there",
        "Embedded, it also makes an account for each role and prints where their passwords are.",
    ),
    Command(
        "sandbox",
        "the stand-in for other people's services, such as the payment provider; moves no money",
        "Listens on SANDBOX_HOST and SANDBOX_PORT, and keeps its ledger in SANDBOX_DATABASE.",
    ),
    Command(
        "promote",
        "gives an account a role; makes the first administrator",
        "Works on the database of the settings, by the rules that hold for administrators: the last one stays. Tokens"
        " issued before the change end. A second run changes nothing. Exit code 1 when there is no such account.",
        _promote,
    ),
    Command("openapi", "prints the OpenAPI document", "As JSON on standard output; opens no database and no port."),
    Command(
        "smoke",
        "registers, orders and sees it paid, at a running service",
        "A line for each step. Exit code 1 at the first that fails. It leaves an account and a paid order.",
        _smoke,
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 refused to start."""
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
        epilog="`python -m app COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 refused to start.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        description = f"{command.summary[0].upper()}{command.summary[1:]}. {command.details}"
        command.options(commands.add_parser(command.name, help=command.summary, description=description))
    return parser
