"""The API under gunicorn: configuration as code, a worker that drains, metrics on the admin port.

Order at SIGTERM: drain (serve on, closing each connection with its answer), then the requests in flight, then the
application's lifespan. All of it ends before gunicorn's own limit, which ends before Kubernetes's.
"""

import asyncio
import logging
import signal
import socket
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from prometheus_client import CollectorRegistry, multiprocess
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from app.main import Binnacle, create_app
from app.ops.admin import alive, serve_admin
from app.settings import Settings
from app.telemetry import logs

LAST_CALL_SECONDS: Final = 0.5


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; does not return before all is drained."""
    GunicornApplication(settings).run()


class GunicornApplication(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings instead of a configuration file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._admin = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        options: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.web_concurrency,
            "worker_class": DrainingWorker,
            "logger_class": PlainLogger,
            "keepalive": settings.keep_alive_seconds,
            "graceful_timeout": int(settings.graceful_timeout_seconds),
            "timeout": 60,
            "worker_tmp_dir": str(settings.multiprocess_dir) if settings.multiprocess_dir else None,
            "forwarded_allow_ips": ",".join(map(str, settings.trusted_proxies)),
            "control_socket_disable": True,  # it would lie in a home directory that a read-only pod lacks
            "when_ready": self._serve_sums,
            "post_worker_init": self._serve_own,
            "child_exit": self._forget,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Binnacle:
        logs.configure(self.settings.log_level, self.settings.log_format)
        return create_app(self.settings)

    def _serve_own(self, worker: "DrainingWorker") -> None:
        """One process: it serves its own metrics, with exemplars and process metrics."""
        if self.settings.web_concurrency > 1:
            return
        worker.wsgi.metrics.watch_process()
        self._open_admin(worker.wsgi.metrics.registry)

    def _serve_sums(self, _arbiter: Arbiter) -> None:
        """Several processes: their sums, served by the one that outlives them."""
        if self.settings.web_concurrency == 1:
            return
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        self._open_admin(registry)

    def _open_admin(self, registry: CollectorRegistry) -> None:
        address = (self.settings.admin_host, self.settings.admin_port)
        self._admin.enter_context(serve_admin(*address, registry, {"livez": alive}))

    def _forget(self, _arbiter: Arbiter, worker: "DrainingWorker") -> None:
        """Called for a killed worker too: its gauges must not stay."""
        if self.settings.web_concurrency > 1:
            multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


class DrainingWorker(UvicornWorker):  # type: ignore[misc]
    """uvicorn in gunicorn. The stock worker ignores the graceful timeout and cuts kept connections."""

    CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "server_header": False, "access_log": False}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        logging.getLogger("uvicorn.error").propagate = True

    async def _serve(self) -> None:
        settings: Settings = self.app.settings
        self.config.app = self.wsgi
        self.config.timeout_graceful_shutdown = int(settings.shutdown_seconds)
        server = DrainingServer(self.config, self.wsgi, settings.drain_seconds)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self.handle_exit, signal.SIGQUIT, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR)


class DrainingServer(Server):
    """Serves on for a while after SIGTERM, each answer closing its connection; SIGINT skips the wait."""

    def __init__(self, config: Any, binnacle: Binnacle, drain_seconds: float) -> None:
        super().__init__(config)
        self._binnacle = binnacle
        self._drain_seconds = drain_seconds
        self._drain_ends: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._binnacle.lifecycle.drain()
        if sig != signal.SIGTERM or self._drain_seconds == 0 or self._drain_ends is not None:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._drain_ends = asyncio.get_running_loop().time() + self._drain_seconds
        logging.getLogger("app.server").info("draining for %g s", self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        if self._drain_ends is not None and asyncio.get_running_loop().time() >= self._drain_ends:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever connected before the listener closed may still ask; the stock server hangs up on them."""
        await asyncio.sleep(0)  # takes in who is in the listening socket's queue, which closing it would reset
        for listener in self.servers:
            listener.close()
        for listening in sockets or []:
            listening.close()
        ends = asyncio.get_running_loop().time() + LAST_CALL_SECONDS
        while self.server_state.connections and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


class PlainLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines go where all others go."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 -- gunicorn's signature
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.access_log.handlers = []
        self.error_log.setLevel(logging.INFO)
