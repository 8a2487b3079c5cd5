"""gunicorn worker that runs uvicorn."""

import logging
from typing import TYPE_CHECKING, Any, Final

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from app.server.draining import DrainingServer
from app.server.shedding_protocol import shedding

if TYPE_CHECKING:
    from app.settings import Settings

# Messages of a room are short, and compression needs about 300 kB for each socket.
SOCKETS: Final = {"ws_max_size": 16 * 1024, "ws_per_message_deflate": False}


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
