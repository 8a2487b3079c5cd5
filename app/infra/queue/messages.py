"""Validates messages from Redis, and rebuilds them from known fields.

Celery reads a dozen headers of a message, and a malformed one ends the worker. So it never sees stored messages: only
the message id and the trace context are taken, and put into a new message.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import orjson

QUEUE: Final = "binnacle"
PROCESS_MESSAGE: Final = "outbox.process"
Reason = Literal["undecodable", "malformed", "unknown_task"]
REASONS: Final[tuple[Reason, ...]] = ("undecodable", "malformed", "unknown_task")
_TRACE_CONTEXT: Final = ("traceparent", "tracestate")
_MAX_HEADER: Final = 1024


class MalformedMessageError(ValueError):
    """The message can't be read; the outbox still has the job."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def rebuild(raw: bytes) -> bytes:
    """Returns the message for Celery from a stored one. Raises MalformedMessageError."""
    match _json(raw):
        case {"headers": {"task": str(task)}, "properties": {}} if task != PROCESS_MESSAGE:
            raise MalformedMessageError("unknown_task")
        case {"headers": {"task": str(), "id": task_id, **headers}, "properties": {**properties}, "body": str(body)}:
            message_id, task_id = _message_id(body), str(_uuid(task_id))
        case _:
            raise MalformedMessageError("malformed")
    delivery = properties.get("delivery_info")
    redelivered = isinstance(delivery, dict) and delivery.get("redelivered") is True
    found = {name: headers.get(name) for name in _TRACE_CONTEXT}
    trace_context = {name: text for name, text in found.items() if isinstance(text, str) and len(text) <= _MAX_HEADER}
    return _message(message_id, task_id, trace_context, redelivered=redelivered)


def _message(message_id: UUID, task_id: str, trace_context: Mapping[str, str], *, redelivered: bool) -> bytes:
    """Builds a message of https://docs.celeryq.dev/en/stable/internals/protocol.html."""
    embedded = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))
    message = {
        "body": b64encode(orjson.dumps([[str(message_id)], {}, embedded])).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": PROCESS_MESSAGE,
            "id": task_id,
            "root_id": task_id,
            **dict.fromkeys(("parent_id", "group", "shadow", "eta", "expires")),
            "retries": 0,
            "timelimit": [None, None],
            "argsrepr": f"['{message_id}']",
            "kwargsrepr": "{}",
            "ignore_result": True,
            **trace_context,
        },
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE, "redelivered": redelivered},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return json.dumps(message).encode()


def _message_id(body: str) -> UUID:
    """Returns the task's only argument."""
    try:
        content = b64decode(body, validate=True)
    except ValueError as error:
        raise MalformedMessageError("undecodable") from error
    match _json(content):
        case [[message_id], *_]:
            return _uuid(message_id)
    raise MalformedMessageError("malformed")


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MalformedMessageError("undecodable") from error


def _uuid(value: object) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        raise MalformedMessageError("malformed") from error
