"""python -m app: one image, and a command for each process."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from app import settings as configuration
from app.settings import Settings, SettingsError

# Each command imports what it needs: the metrics library decides at its import how several processes share a number.


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 refused to start."""
    options = _parser().parse_args(arguments)
    if options.command == "smoke":
        return _smoke(options.url)
    try:
        settings = configuration.read()
        return _COMMANDS[options.command](settings, options)
    except SettingsError as refusal:
        print(f"Binnacle does not start:\n{refusal}", file=sys.stderr)  # noqa: T201
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Binnacle, a small shop. Settings come from the environment; see .env.example.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="the whole shop on this machine: migrated, seeded, with the sandbox provider")
    commands.add_parser("serve", help="the API, under gunicorn")
    commands.add_parser("worker", help="makes the payments that wait in Redis's queue")
    commands.add_parser("reconciler", help="queues again what waits too long")
    migrate = commands.add_parser("migrate", help="brings the database's schema up to date")
    migrate.add_argument("--wait", action="store_true", help="only wait until another process has done it")
    commands.add_parser("seed", help="adds a small catalogue, if it is not there")
    commands.add_parser("sandbox", help="the stand-in payment provider; moves no money")
    commands.add_parser("openapi", help="prints the OpenAPI document")
    smoke = commands.add_parser("smoke", help="registers, orders and sees it paid, at a running service")
    smoke.add_argument("url", help="such as http://127.0.0.1:8000")
    return parser


def _run(settings: Settings, _options: argparse.Namespace) -> int:
    from app import embedded  # noqa: PLC0415
    from app.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.log_level, "console" if sys.stdout.isatty() else settings.log_format)
    return embedded.run(settings)


def _serve(settings: Settings, _options: argparse.Namespace) -> int:
    if settings.web_concurrency > 1:
        _share_metrics(settings)
    from app import server  # noqa: PLC0415

    _configure_logs(settings)
    server.serve(settings)
    return 0


def _worker(settings: Settings, _options: argparse.Namespace) -> int:
    _require_queue(settings)
    _share_metrics(settings)
    from app import worker  # noqa: PLC0415

    _configure_logs(settings)
    worker.work(settings)
    return 0


def _reconciler(settings: Settings, _options: argparse.Namespace) -> int:
    _require_queue(settings)
    from app import reconciler  # noqa: PLC0415
    from app.telemetry import errors  # noqa: PLC0415

    _configure_logs(settings)
    errors.configure(settings, "reconciler")
    reconciler.reconcile(settings)
    return 0


def _migrate(settings: Settings, options: argparse.Namespace) -> int:
    from app.infra import schema  # noqa: PLC0415

    _configure_logs(settings)
    try:
        (schema.wait_until_current if options.wait else schema.migrate)(settings)
    except TimeoutError as late:
        print(f"migrate: {late}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _seed(settings: Settings, _options: argparse.Namespace) -> int:
    from app import first_accounts, seed  # noqa: PLC0415

    _configure_logs(settings)
    print(f"{seed.seed(settings)} items added")  # noqa: T201
    if settings.environment == "local" and settings.database_url is None:
        first_accounts.introduce(settings)
        file = settings.state_dir / first_accounts.FILE
        print(f"{', '.join(first_accounts.ROLES)}: accounts with the passwords in {file}")  # noqa: T201
    return 0


def _sandbox(settings: Settings, _options: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415

    from app.sandbox.app import create_sandbox  # noqa: PLC0415

    _configure_logs(settings)
    uvicorn.run(
        create_sandbox(settings),
        host=settings.sandbox_host,
        port=settings.sandbox_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


def _openapi(settings: Settings, _options: argparse.Namespace) -> int:
    from app.main import create_app  # noqa: PLC0415

    json.dump(create_app(settings).app.openapi(), sys.stdout, indent=2)
    return 0


def _smoke(url: str) -> int:
    import httpx2  # noqa: PLC0415

    from app.smoke import SmokeError, smoke  # noqa: PLC0415

    try:
        smoke(url)
    except (SmokeError, httpx2.HTTPError) as failure:
        print(f"FAILED {failure}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


_COMMANDS = {
    "run": _run,
    "serve": _serve,
    "worker": _worker,
    "reconciler": _reconciler,
    "migrate": _migrate,
    "seed": _seed,
    "sandbox": _sandbox,
    "openapi": _openapi,
}


def _configure_logs(settings: Settings) -> None:
    from app.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.log_level, settings.log_format)


def _require_queue(settings: Settings) -> None:
    if settings.redis_url is None:
        raise SettingsError("REDIS_URL: this process works on the queue in Redis; embedded, the API does its work")


def _share_metrics(settings: Settings) -> None:
    """Gives the processes of this pod an empty folder for their counters: what the dead left must not be summed."""
    folder = settings.multiprocess_dir or Path(tempfile.gettempdir()) / f"binnacle-metrics-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
