"""python -m app migrate: the database's schema."""

import sys
from argparse import Namespace

from app.commands.starting import settings_and_logs
from app.infra import schema


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    try:
        (schema.wait_until_current if options.wait else schema.migrate)(settings)
    except (TimeoutError, schema.MigrationFailedError) as failed:
        sys.stderr.write(f"migrate: {failed}\n")
        return 1
    return 0
