"""gunicorn application with uvicorn workers, configured by the settings."""

import logging
import os
from contextlib import ExitStack
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from prometheus_client import CollectorRegistry, multiprocess
from uvicorn_worker import UvicornWorker

from app.infra.listening_sockets import listen_as_set
from app.ops.admin import alive, open_admin
from app.ops.control import Control, board
from app.processes.api import Binnacle, create_app
from app.server.draining import DrainingServer
from app.server.shedding_protocol import shedding
from app.settings import Settings
from app.telemetry import logs
from app.telemetry.metrics import aggregation
from app.telemetry.metrics.process import register_process

# Messages of a room are short, and compression needs about 300 kB for each socket.
SOCKETS: Final = {"ws_max_size": 16 * 1024, "ws_per_message_deflate": False}


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; returns after the drain and all requests in flight."""
    GunicornApplication(settings).run()


class DrainingWorker(UvicornWorker):  # type: ignore[misc]
    """gunicorn worker with uvicorn. The stock worker ignores the graceful timeout and cuts keep-alive connections."""

    CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "server_header": False, "access_log": False, **SOCKETS}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        logging.getLogger("uvicorn.error").propagate = True

    async def _serve(self) -> None:
        settings: Settings = self.app.settings
        self.config.app = self.wsgi
        self.config.timeout_graceful_shutdown = int(settings.shutdown_seconds)
        self.config.http = shedding(settings, self.wsgi)
        server = DrainingServer(self.config, self.wsgi, settings.drain_seconds)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR)


class GunicornApplication(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings instead of a configuration file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._admin = ExitStack()
        self._admin_process = 0
        # Opened once, so that gunicorn keeps the sockets when it reloads its configuration at SIGHUP.
        self._listening = [f"fd://{opened.detach()}" for opened in listen_as_set("", settings.host, settings.port)]
        super().__init__()

    def run(self) -> None:
        """Runs until SystemExit, in the master and in each worker, which inherits the master's open files."""
        try:
            super().run()
        finally:
            # At the interpreter's exit, this would wait for a thread that no longer exists.
            if self._admin_process == os.getpid():
                self._admin.close()

    def load_config(self) -> None:
        settings = self.settings
        if settings.multiprocess_dir is not None:
            settings.multiprocess_dir.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {
            "bind": self._listening,
            "workers": settings.web_concurrency,
            "worker_class": DrainingWorker,
            "logger_class": PlainLogger,
            "keepalive": settings.keep_alive_seconds,
            "graceful_timeout": int(settings.graceful_timeout_seconds),
            "timeout": 60,
            "worker_tmp_dir": str(settings.multiprocess_dir) if settings.multiprocess_dir else None,
            "forwarded_allow_ips": ",".join(map(str, settings.trusted_proxies)),
            "control_socket_disable": True,  # needs a home directory, which a pod with a read-only file system lacks
            "when_ready": self._serve_sums,
            "post_worker_init": self._serve_own,
            "child_exit": self._forget,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Binnacle:
        logs.configure(self.settings.log_level, self.settings.log_format)
        return create_app(self.settings)

    def _serve_own(self, worker: DrainingWorker) -> None:
        """Serves the metrics of a single worker. Several workers only follow the pod's state."""
        serving_state = worker.wsgi.serving_state
        control = Control(board(), self.settings.log_level, serving_state.drain, drains=lambda: serving_state.draining)
        if self.settings.web_concurrency > 1:
            control.follow()
            return
        registry = worker.wsgi.telemetry.registry
        register_process(registry)
        self._open_admin(registry, control)

    def _serve_sums(self, _arbiter: Arbiter) -> None:
        """Serves the summed metrics of several workers from the master."""
        if self.settings.web_concurrency > 1:
            self._open_admin(aggregation.sums())

    def _open_admin(self, registry: CollectorRegistry, control: Control | None = None) -> None:
        self._admin_process = os.getpid()
        self._admin.enter_context(open_admin(self.settings, registry, {"livez": alive}, control, drains=True))

    def _forget(self, _arbiter: Arbiter, worker: DrainingWorker) -> None:
        """Removes the gauges of a worker that has ended, or was killed."""
        if self.settings.web_concurrency > 1:
            multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


class PlainLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's log lines to the root logger, like all others."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 -- gunicorn's signature
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.access_log.handlers = []
        self.error_log.setLevel(logging.NOTSET)  # inherits the level of the root logger, which can change
