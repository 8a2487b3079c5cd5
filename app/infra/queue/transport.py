"""Kombu's transport for Redis, with three fixes.

- Messages from Redis are validated before Celery sees them; messages.py gives the reason.
- An error reply of Redis (READONLY, MISCONF, OOM) is a lost connection, which is reopened until Redis accepts writes.
  Kombu treats it as an error of the channel, which ends the worker.
- A message whose acknowledgement fails does not block others. Kombu counts it as unacknowledged until Redis accepts the
  acknowledgement, and Celery continues after the failure: a worker with a prefetch of one would then wait for ever.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from kombu.transport import redis, virtual
from redis import Redis, RedisError
from redis.exceptions import ResponseError

from app.infra.queue.messages import MalformedMessageError, Reason, rebuild
from app.infra.redis.pool import waiting_options

if TYPE_CHECKING:
    from app.settings.redis import RedisAddress

ADDRESS: Final = "address"  # transport option: the RedisAddress, instead of the broker's URL
ON_DROPPED: Final = "on_dropped"  # transport option: called with the reason of each dropped message
_PROBE: Final = "_kombu.writable"
_PROBE_SECONDS: Final = 60


class _QoS(redis.QoS):
    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 -- kombu's
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except Exception:
            virtual.QoS.reject(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002
        """Drops a damaged message, which would keep all others from being restored."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            raise
        except Exception:  # noqa: BLE001 -- any error means a damaged message
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]
            self.channel.drop("malformed")


class _Client(Redis):
    """Passes what BRPOP returns through `check`, which returns None to drop a message."""

    def __init__(self, *, check: Callable[[bytes], bytes | None], **options: Any) -> None:
        super().__init__(**options)
        self._check = check

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name != "BRPOP" or not answer:
            return answer
        queue, item = answer
        checked = self._check(item)
        return None if checked is None else (queue, checked)


class _Channel(redis.Channel):
    QoS = _QoS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Raises while Redis is read-only: declaring queues would fail too."""
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        try:
            self.client.set(_PROBE, "", ex=_PROBE_SECONDS)
        except Exception:
            self.close()  # type: ignore[no-untyped-call]
            raise

    def drop(self, reason: Reason) -> None:
        structlog.get_logger().warning("queue_message_dropped", reason=reason)
        dropped: Callable[[Reason], None] | None = self.connection.client.transport_options.get(ON_DROPPED)
        if dropped is not None:
            dropped(reason)

    def _check(self, item: bytes) -> bytes | None:
        try:
            return rebuild(item)
        except MalformedMessageError as error:
            self.drop(error.reason)
            return None

    def _get_client(self) -> Any:
        super()._get_client()  # type: ignore[no-untyped-call]
        return partial(_Client, check=self._check)

    def _connparams(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 -- kombu's
        own = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        address: RedisAddress = self.connection.client.transport_options[ADDRESS]
        return waiting_options(own, address.options())


class Transport(redis.Transport):
    """Redis transport. A message without an acknowledgement is redelivered after its visibility timeout."""

    Channel = _Channel
    connection_errors = (*redis.Transport.connection_errors, ResponseError)
