"""Work on the migrations themselves: a new one, a list of them, and one step back."""

import asyncio
from functools import partial

from sqlalchemy import Connection

from app.infra.database import schema
from app.settings import Settings


class RevisionError(Exception):
    """The migration can't be made or undone; the message says what to do first."""


def new(settings: Settings, name: str) -> str:
    """Writes a migration from the database's schema to that of the models, and returns the path of its file.

    Raises RevisionError unless the database is at this code's head, and TimeoutError after two minutes without it.
    """
    return asyncio.run(schema.when_it_answers(settings, partial(_new, name=name), "comparing"))


def history(settings: Settings) -> list[str]:
    """A line for each migration, oldest first; the one that the database is at is marked."""
    return asyncio.run(schema.when_it_answers(settings, _history, "reading"))


def step_back(settings: Settings) -> str:
    """Undoes the newest migration and returns the revision before it. What only the newer schema holds is lost.

    Raises RevisionError when there is none, or it is not one of this code's.
    """
    return asyncio.run(schema.when_it_answers(settings, _back, "stepping back"))


def _new(connection: Connection, name: str) -> str:
    from alembic import command  # noqa: PLC0415

    head = schema.revisions().head
    if schema.found_revision(connection) != head:
        raise RevisionError(f"the database is not at {head}: run `python -m app migrate` first")
    config, number = schema.alembic_config(connection), f"{int(head) + 1:04d}"
    script = command.revision(config, f"{name[0].upper()}{name[1:]}.", autogenerate=True, rev_id=number)
    if script is None or isinstance(script, list):
        raise RevisionError(f"alembic wrote no single revision: {script}")
    return str(script.path)


def _history(connection: Connection) -> list[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    found = schema.found_revision(connection)
    scripts = ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()
    lines = [f"{'*' if script.revision == found else ' '} {script.revision}  {script.doc}" for script in scripts]
    return lines[::-1]


def _back(connection: Connection) -> str:
    from alembic import command  # noqa: PLC0415

    schema.lock(connection)
    found, known = schema.found_revision(connection), schema.revisions().known
    if found not in known[1:]:
        raise RevisionError(f"there is no step back from {found or 'an empty database'} in this version")
    before = known[known.index(found) - 1]
    command.downgrade(schema.alembic_config(connection), before)
    return before
