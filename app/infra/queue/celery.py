"""Celery on Redis: notifies workers of messages. The outbox is the source of truth."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.exceptions import OperationalError as BrokerError
from opentelemetry.trace import SpanKind

from app.errors import UnavailableError
from app.infra.queue.messages import PROCESS_MESSAGE, QUEUE, Reason
from app.infra.queue.transport import ADDRESS, ON_DROPPED, Transport
from app.infra.redis.calls import calls_of, timed_call
from app.settings import Settings
from app.telemetry.telemetry import Telemetry

T = TypeVar("T")
# https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
_PUBLISHING: Final = {
    "messaging.system": "celery",
    "messaging.destination.name": QUEUE,
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
}
_BROKER_TIMEOUT_SECONDS: Final = 2.0
_RECONNECT_SECONDS: Final = 1


class _Connection(Connection):
    """Reconnects every second: kombu's own pauses grow to half a minute, even when the queue is back."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Any:
        pauses = {"interval_start": _RECONNECT_SECONDS, "interval_step": 0, "interval_max": _RECONNECT_SECONDS}
        return super().ensure_connection(*arguments, **pauses | options)  # type: ignore[no-untyped-call]


class _Queues(AMQP):  # type: ignore[misc]  # Celery has no types
    Connection = _Connection


def make_celery(settings: Settings, on_dropped: Callable[[Reason], None] | None = None) -> Celery:
    """Creates the application that publishers and workers share. Raises ValueError without REDIS_URL.

    `on_dropped` is called for each message from Redis that can't be read.
    """
    address = settings.redis
    if address is None:
        raise ValueError("REDIS_URL: the queue needs it; without it the jobs run in the API process")
    celery = Celery("binnacle", broker=address.location, amqp=_Queues)  # the transport reads the whole address
    # Reached only when a process hangs: the runner ends jobs earlier. Celery redelivers its message after it is killed;
    # by then the outbox has given it to another worker.
    limit = settings.job_seconds + 5
    celery.conf.update(
        broker_transport=Transport,  # not by _Connection, which kombu's pools do not use
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=limit,
        task_time_limit=limit + 10,
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.worker_concurrency,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_use_ssl=dict(address.tls) if address.tls is not None else None,
        broker_transport_options={
            "visibility_timeout": max(60, int((limit + 10) * 2)),
            "socket_timeout": _BROKER_TIMEOUT_SECONDS * 2,
            "socket_connect_timeout": _BROKER_TIMEOUT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # A retrying publisher would occupy one of the threads that hash passwords; the reconciler retries.
            "max_retries": 0,
            ADDRESS: address,
            ON_DROPPED: on_dropped,
        },
    )
    return celery


class Publisher:
    """Publishes notifications from asynchronous code, with the trace context of sampled work in their headers."""

    def __init__(self, celery: Celery, telemetry: Telemetry | None = None) -> None:
        self._celery = celery
        self._tracing = telemetry.tracing if telemetry is not None else None
        self._calls = calls_of("queue", telemetry.dependencies if telemetry is not None else None)

    async def publish(self, message_id: UUID) -> None:
        """Notifies the workers of a message. Raises UnavailableError when Redis does not accept it in time."""
        if self._tracing is None or not self._tracing.recording():
            await self._call(partial(self._send, message_id, {}))
            return
        headers: dict[str, str] = {}
        attributes = {**_PUBLISHING, "messaging.message.id": str(message_id)}
        with self._tracing.span(f"publish {QUEUE}", kind=SpanKind.PRODUCER, attributes=attributes):
            self._tracing.inject(headers)
            await self._call(partial(self._send, message_id, headers))

    async def waiting(self) -> int:
        """Returns the number of notifications that no worker has taken. Raises UnavailableError."""
        return await self._call(self._count)

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            with timed_call(self._calls):
                return await asyncio.wait_for(asyncio.to_thread(call), _BROKER_TIMEOUT_SECONDS * 3)
        except (BrokerError, OSError, *Transport.connection_errors, *Transport.channel_errors) as error:
            raise UnavailableError(f"The queue does not answer: {type(error).__name__}.") from error

    def close(self) -> None:
        self._celery.close()

    def _count(self) -> int:
        with self._celery.pool.acquire(block=True) as connection:
            try:
                return int(connection.default_channel.queue_declare(QUEUE).message_count)
            except connection.connection_errors as error:
                raise BrokerError(str(error)) from error

    def _send(self, message_id: UUID, headers: dict[str, str]) -> Any:
        return self._celery.send_task(PROCESS_MESSAGE, args=[str(message_id)], headers=headers, retry=False)
