"""python -m app migrate: updates the database's schema."""

import sys
from argparse import Namespace

from app.commands.startup import settings_and_logs
from app.infra.database import migration_authoring, roles, schema


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    try:
        if options.wait:
            schema.wait_until_current(settings)
        elif options.new:
            sys.stdout.write(f"{migration_authoring.new(settings, options.new)}\n")
        elif options.history:
            sys.stdout.writelines(f"{line}\n" for line in migration_authoring.history(settings))
        elif options.down:
            sys.stdout.write(f"The schema is at {migration_authoring.step_back(settings)}.\n")
        else:
            schema.migrate(settings)
            roles.provide(settings)
    except (TimeoutError, schema.MigrationFailedError, roles.RoleError, migration_authoring.RevisionError) as failed:
        sys.stderr.write(f"migrate: {failed}\n")
        return 1
    return 0
