"""python -m app seed: a catalogue to begin with."""

import sys
from argparse import Namespace

from app import first_accounts, seed
from app.commands.starting import settings_and_logs


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    sys.stdout.write(f"{seed.seed(settings)} items added\n")
    if settings.environment == "local" and settings.database_url is None:
        first_accounts.introduce(settings)
        file = settings.state_dir / first_accounts.FILE
        sys.stdout.write(f"{', '.join(first_accounts.ROLES)}: accounts with the passwords in {file}\n")
    return 0
