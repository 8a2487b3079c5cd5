"""Worker process: Celery with a prefork pool, whose processes run the jobs of the outbox."""

import warnings
from typing import Any

import redis
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from prometheus_client import CollectorRegistry

from app.infra.queue.celery import make_celery
from app.infra.queue.messages import PROCESS_MESSAGE, REASONS
from app.ops.admin import alive, open_admin
from app.processes.pool_process import PoolProcess
from app.settings import Settings
from app.telemetry.metrics import DroppedMessageMetrics, aggregation


def work(settings: Settings) -> int:
    """Runs jobs until SIGTERM, then finishes those in progress. Returns the exit code: 0 only after SIGTERM.

    Raises ValueError without REDIS_URL.
    """
    celery = make_celery(settings, DroppedMessageMetrics(CollectorRegistry(), REASONS).dropped)
    process = PoolProcess(settings, celery)

    def process_message(task: Any, message_id: str) -> str:
        return process.process(message_id, task.request.headers or {})

    celery.task(name=PROCESS_MESSAGE, bind=True)(process_message)
    signals.setup_logging.connect(_keep_our_logs)
    signals.worker_process_init.connect(process.start)
    signals.worker_process_shutdown.connect(process.stop)
    checks = {"livez": alive, "readyz": lambda: _broker_gone(settings)}
    with open_admin(settings, aggregation.sums(), checks):
        return _run(celery)


def _run(celery: Celery) -> int:
    # Celery mistakes users and groups without a name, which containers have, for root.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = celery.Worker(
        pool="prefork",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,  # unused, and needs a channel that Redis may refuse
        quiet=True,
        send_events=False,
    )
    worker.start()
    return 1 if worker.exitcode is None else int(worker.exitcode)  # None means that it ended without a signal


def _broker_gone(settings: Settings) -> str | None:
    address = settings.redis
    if address is None:
        return "REDIS_URL is not set"
    waits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    try:
        with redis.Redis(**waits | address.options(), ssl=address.tls is not None, **address.tls or {}) as client:
            client.ping()
    except redis.RedisError as error:
        return f"redis: {type(error).__name__}"
    return None


def _keep_our_logs(**_signal: Any) -> None:
    """Does nothing: a receiver of this signal prevents Celery from configuring logging."""
