"""python -m app worker: runs the jobs in the queue."""

from argparse import Namespace

from app.commands.shared_metrics import share_metrics
from app.commands.startup import settings_and_logs
from app.processes import worker


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command, queue=True)
    with share_metrics(settings):
        return worker.work(settings)
