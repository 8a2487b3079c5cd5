"""python -m app worker: runs the jobs in the queue."""

from argparse import Namespace

from app.commands.shared_metrics import share_metrics
from app.commands.startup import require_queue, settings_and_logs
from app.processes import worker


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    require_queue(settings)
    with share_metrics(settings):
        return worker.work(settings)
