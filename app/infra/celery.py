"""Celery on Redis: the queue between the API and the workers. Carries hints, never truth."""

import asyncio
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError

from app.errors import UnavailableError

if TYPE_CHECKING:
    from app.settings import Settings

QUEUE: Final = "binnacle"
PROCESS_ORDER: Final = "orders.process"
_BROKER_TIMEOUT_SECONDS: Final = 2.0


def make_celery(settings: "Settings") -> Celery:
    """The application that publishers and workers share. Raises ValueError without REDIS_URL."""
    if settings.redis_url is None:
        raise ValueError("REDIS_URL: the queue needs it; without it the jobs run in the API process")
    celery = Celery("binnacle", broker=settings.redis_url.get_secret_value())
    limit = settings.claim_seconds
    celery.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=limit,
        task_time_limit=limit + 5,
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.worker_concurrency,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": max(60, int(limit * 2)),
            "socket_timeout": _BROKER_TIMEOUT_SECONDS * 2,
            "socket_connect_timeout": _BROKER_TIMEOUT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return celery


class Publisher:
    """Publishes hints from asynchronous code."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    async def publish(self, message_id: UUID) -> None:
        """Raises UnavailableError when Redis does not take it in time."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._send, str(message_id)), _BROKER_TIMEOUT_SECONDS * 3)
        except (BrokerError, OSError) as error:
            raise UnavailableError(f"The queue does not answer: {type(error).__name__}.") from error

    def close(self) -> None:
        self._celery.close()

    def _send(self, message_id: str) -> Any:
        return self._celery.send_task(PROCESS_ORDER, args=[message_id], retry=False)
