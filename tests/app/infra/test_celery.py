"""Celery's connections to the broker."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis as redis_client
from celery import Celery
from prometheus_client import CollectorRegistry

from app.infra.queue.celery import make_celery
from app.infra.queue.messages import PROCESS_MESSAGE, QUEUE, REASONS, Reason
from app.settings import read
from app.telemetry.metrics import DroppedMessageMetrics
from tests.support.ports import free_port
from tests.support.servers import own_redis


class _EnoughError(Exception):
    pass


def test_an_unavailable_broker_is_retried_every_second_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _seconds: None)
    celery = _celery(f"redis://127.0.0.1:{free_port()}/0")
    pauses: list[float] = []

    def note(_error: BaseException, pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 20:
            raise _EnoughError

    with celery.connection_for_read() as connection, pytest.raises(_EnoughError):
        connection.ensure_connection(note)
    celery.close()
    assert pauses == [1] * 20


@pytest.mark.parametrize("end", ["ack", "reject"])
def test_an_acknowledgement_that_redis_misses_blocks_no_other_message(tmp_path: Path, end: str) -> None:
    port = free_port()
    celery = _celery(f"redis://127.0.0.1:{port}/0")
    messages: list[Any] = []
    with ExitStack() as redis, celery.connection_for_read() as connection:
        redis.enter_context(own_redis(tmp_path, port))
        celery.send_task(PROCESS_MESSAGE, args=[str(uuid4())])
        channel = connection.default_channel
        channel.basic_qos(prefetch_count=1)
        with connection.Consumer([celery.amqp.queues[QUEUE]], channel=channel, on_message=messages.append):
            connection.drain_events(timeout=10)
            assert not channel.qos.can_consume()
            redis.close()
            with pytest.raises(connection.connection_errors):
                getattr(messages[0], end)()
            assert channel.qos.can_consume()
            redis.enter_context(own_redis(tmp_path, port))
    celery.close()


def test_unreadable_messages_are_counted_by_reason(redis_url: str) -> None:
    registry = CollectorRegistry()
    celery = _celery(redis_url, DroppedMessageMetrics(registry, REASONS).dropped)

    def counted() -> dict[str, float | None]:
        name = "queue_messages_dropped_total"
        return {reason: registry.get_sample_value(name, {"reason": reason}) for reason in REASONS}

    with celery.connection_for_read() as connection, redis_client.Redis.from_url(redis_url) as redis:
        channel = connection.default_channel
        with connection.Consumer([celery.amqp.queues[QUEUE]], channel=channel, on_message=pytest.fail):
            redis.lpush(QUEUE, "%%%", "[]", "{}")
            while sum(filter(None, counted().values())) < 3:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=1)
    celery.close()
    assert counted() == {"undecodable": 1, "malformed": 2, "unknown_task": 0}


def test_a_broker_with_tls_needs_a_valid_certificate() -> None:
    celery = _celery("rediss://queue.example.com/0")
    with celery.connection_for_write() as connection:
        assert connection.ssl == {"ssl_cert_reqs": "required"}


def _celery(redis_url: str, on_dropped: Callable[[Reason], None] | None = None) -> Celery:
    settings = read(_env_file=None, redis_url=redis_url, database_url="postgresql://127.0.0.1/none")
    return make_celery(settings, on_dropped)
