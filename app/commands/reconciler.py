"""python -m app reconciler: queues overdue jobs again."""

from argparse import Namespace

from app.commands.startup import settings_and_logs
from app.processes import reconciler


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command, queue=True)
    reconciler.reconcile(settings)
    return 0
