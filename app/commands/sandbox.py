"""python -m app sandbox: the stand-in provider."""

from argparse import Namespace

import uvicorn

from app.commands.starting import settings_and_logs
from app.sandbox.app import create_sandbox
from app.settings.state import private_file


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    private_file(settings.ledger)
    uvicorn.run(
        create_sandbox(settings),
        workers=1,  # uvicorn takes WEB_CONCURRENCY for its own where none is named
        host=settings.sandbox_host,
        port=settings.sandbox_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0
