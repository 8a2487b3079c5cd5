"""python -m app serve: serves the API."""

from argparse import Namespace
from contextlib import nullcontext

from app import server
from app.commands.shared_metrics import share_metrics
from app.commands.startup import settings_and_logs
from app.settings.state_folder import private_folder


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    if settings.database_url is None or settings.secret_key is None:
        private_folder(settings.state_dir)
    with share_metrics(settings) if settings.web_concurrency > 1 else nullcontext():
        server.serve(settings)
    return 0
