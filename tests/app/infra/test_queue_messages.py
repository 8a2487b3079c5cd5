"""Messages from Redis: only those that the service itself sends are accepted."""

import json
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.queue.messages import PROCESS_MESSAGE, MalformedMessageError, rebuild

GOOD_ID = str(uuid4())


def envelope(body: object = None, **headers: object) -> dict[str, Any]:
    """A message as Celery writes it; a header that is `...` is omitted."""
    encoded = b64encode(json.dumps([[GOOD_ID], {}, {}]).encode()).decode() if body is None else body
    known = {"task": PROCESS_MESSAGE, "id": str(uuid4()), "timelimit": [None, None], "eta": None} | headers
    return {
        "body": encoded,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {name: value for name, value in known.items() if value is not ...},
        "properties": {"body_encoding": "base64", "delivery_tag": str(uuid4()), "delivery_info": {}},
    }


def _body(content: object) -> str:
    return b64encode(json.dumps(content).encode()).decode()


MALFORMED: dict[str, bytes] = {
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe",
    "nothing": b"",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "without anything": b"{}",
    "without headers": json.dumps(envelope() | {"headers": None}).encode(),
    "without properties": json.dumps(envelope() | {"properties": None}).encode(),
    "without a body": json.dumps(envelope() | {"body": None}).encode(),
    "a body that is no base64": json.dumps(envelope("%%%")).encode(),
    "a body that is no JSON": json.dumps(envelope(b64encode(b"%%%").decode())).encode(),
    "a body of no arguments": json.dumps(envelope(_body([[], {}, {}]))).encode(),
    "a body of another shape": json.dumps(envelope(_body({"args": 1}))).encode(),
    "an argument that is no id": json.dumps(envelope(_body([["1"], {}, {}]))).encode(),
    "an argument that is no text": json.dumps(envelope(_body([[None], {}, {}]))).encode(),
    "an unknown task": json.dumps(envelope(task="os.system")).encode(),
    "without a task": json.dumps(envelope(task=...)).encode(),
    "without an id": json.dumps(envelope(id=...)).encode(),
    "a type that kombu would make": b'{"__type__": "uuid", "__value__": 1}',
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        rebuild(raw)


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode))
def test_every_message_is_refused_or_rebuilt(raw: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        rebuild(raw)


@given(
    st.dictionaries(
        st.sampled_from(["timelimit", "eta", "expires", "retries", "group", "callbacks", "lang", "compression"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    )
)
def test_only_the_id_and_the_trace_context_of_a_valid_message_are_read(headers: dict[str, object]) -> None:
    trace = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": "a=b"}
    plain, changed = envelope(**trace), envelope(**trace, **headers)
    changed["headers"]["id"] = plain["headers"]["id"]
    one, other = json.loads(rebuild(json.dumps(plain).encode())), json.loads(rebuild(json.dumps(changed).encode()))
    tags = {message["properties"].pop("delivery_tag") for message in (one, other)}
    assert one == other
    assert len(tags) == 2
    assert one["headers"].items() >= trace.items()
    assert one["body"]


def test_an_oversized_header_is_left_out_of_the_trace_context() -> None:
    headers = json.loads(rebuild(json.dumps(envelope(traceparent="x" * 5000, tracestate=7)).encode()))["headers"]
    assert headers.keys().isdisjoint({"traceparent", "tracestate"})
