"""Kombu's transport for Redis, with one mend: a message whose end Redis does not hear of keeps no other from coming.

Kombu takes a message off those under way only after Redis has taken the acknowledgement, and Celery goes on when that
fails. A worker that takes one message at a time would then wait for ever, and listen to nothing.
"""

from typing import Any

from kombu.transport import redis, virtual


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


class _Channel(redis.Channel):
    QoS = _QoS


class Transport(redis.Transport):
    """Redis. What could not be acknowledged is delivered again when it was not to be seen for long enough."""

    Channel = _Channel
