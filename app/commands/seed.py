"""python -m app seed: adds sample items, and accounts when embedded."""

import sys
from argparse import Namespace

from app.commands.startup import settings_and_logs
from app.seeding import accounts, items


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    sys.stdout.write(f"{items.seed(settings)} items added\n")
    if settings.environment == "local" and settings.database_url is None:
        accounts.introduce(settings)
        file = settings.state_dir / accounts.FILE
        sys.stdout.write(f"{', '.join(accounts.ROLES)}: accounts with the passwords in {file}\n")
    return 0
