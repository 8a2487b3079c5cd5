"""python -m app sandbox: serves the sandbox provider."""

from argparse import Namespace
from contextlib import suppress

import uvicorn

from app.commands.startup import settings_and_logs
from app.infra.listening_sockets import listen_as_set
from app.sandbox.app import create_sandbox
from app.settings.state_folder import private_file


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    private_file(settings.ledger)
    config = uvicorn.Config(
        create_sandbox(settings),
        workers=1,  # the default would be WEB_CONCURRENCY, which is for the API
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(listen_as_set("SANDBOX_", settings.sandbox_host, settings.sandbox_port))
    return 0
