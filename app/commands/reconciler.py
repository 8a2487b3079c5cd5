"""python -m app reconciler: queues overdue jobs again."""

from argparse import Namespace

from app.commands.startup import require_queue, settings_and_logs
from app.processes import reconciler


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    require_queue(settings)
    reconciler.reconcile(settings)
    return 0
