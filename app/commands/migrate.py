"""python -m app migrate: the database's schema."""

import sys
from argparse import Namespace

from app.commands.startup import settings_and_logs
from app.infra.database import roles, schema


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    try:
        if options.wait:
            schema.wait_until_current(settings)
        else:
            schema.migrate(settings)
            roles.provide(settings)
    except (TimeoutError, schema.MigrationFailedError, roles.RoleError) as failed:
        sys.stderr.write(f"migrate: {failed}\n")
        return 1
    return 0
