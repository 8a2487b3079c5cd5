"""Error reports: a Sentry receiver of the test gets the required fields and no private data."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import sentry_sdk
import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from app import __version__
from app.errors import UnavailableError
from app.infra.queue.dispatch import Jobs
from app.processes.api import create_app
from app.settings import Settings, read
from app.telemetry import context, errors
from app.telemetry.context import WorkContext
from app.telemetry.errors.sentry import MAX_REPEATS, QUEUE_SIZE
from app.telemetry.metrics.logs import ErrorReportMetrics
from tests.support.processes import wait_until
from tests.support.recorded_telemetry import CALLER, UNSAMPLED, Logs, observed
from tests.support.sentry_receiver import Reports, receiver

pytestmark = pytest.mark.anyio


@pytest.fixture
def reports() -> Iterator[Reports]:
    """A receiver of Sentry envelopes; reporting ends with the test."""
    with receiver() as received:
        try:
            yield received
        finally:
            sentry_sdk.get_client().close(timeout=0)
            sentry_sdk.get_global_scope().set_client(None)


def _settings(tmp_path: Path, dsn: str | None) -> Settings:
    return read(state_dir=tmp_path, sentry_dsn=dsn, _env_file=None)


async def test_an_unhandled_error_is_reported_once_with_its_trace_and_nothing_private(
    reports: Reports, recorded: Logs, tmp_path: Path
) -> None:
    binnacle = create_app(_settings(tmp_path, reports.dsn))
    # Without its lifespan the application has no services: an unhandled error in a real request.
    transport = httpx2.ASGITransport(app=binnacle)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(
            "/api/v1/auth/token?token=query-t0p",
            data={"username": "body-t0p", "password": "body-t0p"},
            headers=UNSAMPLED | {"Authorization": "Bearer header-t0p", "Cookie": "session=cookie-t0p"},
        )
    assert answer.status_code == 500
    sentry_sdk.flush(5)
    [event] = reports.events
    assert event["contexts"]["trace"]["trace_id"] == CALLER.split("-")[1] == answer.json()["trace_id"]
    assert event["tags"]["request_id"] == answer.json()["request_id"]
    assert event["tags"]["route"] == "/api/v1/auth/token"
    assert (event["release"], event["environment"], event["server_name"]) == (__version__, "local", "api")
    assert "request" not in event
    assert "user" not in event
    frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)
    assert "-t0p" not in json.dumps(event)
    assert len(recorded.lines("unhandled_error")) == 1


async def test_client_errors_are_not_reported(reports: Reports, tmp_path: Path) -> None:
    binnacle = create_app(_settings(tmp_path, reports.dsn))
    transport = httpx2.ASGITransport(app=binnacle)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.delete("/api/v1/items")).status_code == 405
    sentry_sdk.flush(5)
    assert reports.events == []


def test_without_a_dsn_nothing_is_sent(reports: Reports, tmp_path: Path) -> None:
    errors.configure(_settings(tmp_path, None), "api")
    errors.capture(RuntimeError("a fault"))
    assert not sentry_sdk.is_initialized()
    assert reports.events == []


def test_an_unreachable_receiver_breaks_nothing(tmp_path: Path, reports: Reports) -> None:
    errors.configure(_settings(tmp_path, "http://public@127.0.0.1:9/1"), "worker")
    errors.capture(RuntimeError("a fault"), task="orders.process")
    sentry_sdk.flush(1)
    assert reports.events == []


def _count(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _reporting(tmp_path: Path, reports: Reports) -> CollectorRegistry:
    """Reports errors to this receiver, and returns the registry of its counters."""
    registry = CollectorRegistry()
    errors.configure(_settings(tmp_path, reports.dsn), "worker")
    errors.count_in(ErrorReportMetrics(registry))
    return registry


def _different(number: int) -> BaseException:
    """An error of a type of its own."""
    kind: type[Exception] = type(f"Fault{number}", (Exception,), {})
    return kind("canary-message")


def _faulty(at_once: int) -> FastAPI:
    """Endpoints that fail concurrently, each with its own error, and with libraries that misuse the SDK."""
    app, barrier = FastAPI(), asyncio.Barrier(at_once)

    def add(number: int) -> None:
        @app.get(f"/fail/{number}/{{name}}")
        async def fail(name: str) -> None:
            sentry_sdk.set_tag("tag", f"canary-{number}")
            sentry_sdk.set_user({"id": f"canary-{number}"})
            sentry_sdk.add_breadcrumb(message=f"canary-{number}")
            sentry_sdk.set_context("state", {"name": f"canary-{name}"})
            await barrier.wait()
            raise _different(number)

    for number in range(at_once):
        add(number)
    return app


async def test_concurrent_errors_keep_their_own_trace_and_nothing_of_the_others(
    reports: Reports, recorded: Logs, tmp_path: Path
) -> None:
    del recorded
    at_once = 24
    _reporting(tmp_path, reports)
    sent = {number: (uuid4().hex, f"request-{number}") for number in range(at_once)}
    async with observed(_faulty(at_once), "http://127.0.0.1:9") as faulty:
        await asyncio.gather(
            *(
                faulty.client.get(
                    f"/fail/{number}/x",
                    headers={"traceparent": f"00-{trace}-b7ad6b7169203331-00", "X-Request-ID": request_id},
                )
                for number, (trace, request_id) in sent.items()
            ),
            return_exceptions=True,
        )
    sentry_sdk.flush(10)
    reported = {
        event["tags"]["route"]: (
            event["contexts"]["trace"]["trace_id"],
            event["tags"]["request_id"],
            event["exception"]["values"][-1]["type"],
        )
        for event in reports.events
    }
    assert reported == {
        f"/fail/{number}/{{name}}": (trace, request_id, f"Fault{number}")
        for number, (trace, request_id) in sent.items()
    }
    assert len(reports.events) == at_once
    for event in reports.events:
        assert set(event) <= {
            "contexts", "environment", "event_id", "exception", "level", "platform", "release", "sdk", "server_name",
            "tags", "timestamp", "transaction",
        }  # fmt: skip
        assert set(event["contexts"]) == {"trace"}
    assert "canary" not in json.dumps(reports.events)


async def test_a_failed_job_and_every_other_logged_error_is_reported_once(
    reports: Reports, recorded: Logs, tmp_path: Path
) -> None:
    _reporting(tmp_path, reports)
    jobs, message_id = Jobs(at_once=1), uuid4()

    async def handle(_message_id: object) -> None:
        token = context.enter(WorkContext("request-1", "a" * 32, "b" * 16))
        try:
            structlog.get_logger().error("job_failed", topic="orders.pay", exc_info=(fault := _different(0)))
            errors.capture(fault, task="orders.pay")
            raise fault
        finally:
            context.leave(token)

    async with jobs.running(handle):
        jobs.enqueue(message_id)
    logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=_different(1))
    structlog.get_logger().warning("job_postponed", exc_info=_different(2))
    structlog.get_logger().error("job_dead", topic="orders.pay")
    sentry_sdk.flush(10)
    assert [line["event"] for line in recorded.lines() if line["level"] == "error"][:2] == ["job_failed"] * 2
    first, second = reports.events
    assert first["tags"] == {"request_id": "request-1", "topic": "orders.pay", "event": "job_failed"}
    assert first["contexts"]["trace"]["trace_id"] == "a" * 32
    assert first["transaction"] == "orders.pay"
    assert second["tags"] == {"event": "Task exception was never retrieved", "logger": "asyncio"}


def test_reports_hold_the_messages_of_the_services_own_errors_only(reports: Reports, tmp_path: Path) -> None:
    _reporting(tmp_path, reports)
    password = "canary-local"

    def ask() -> None:
        try:
            int(f"canary-{len(password)}")
        except ValueError as error:
            raise UnavailableError("The payment provider did not answer.") from error

    try:
        ask()
    except UnavailableError as error:
        errors.capture(error, route="/api/v1/orders")
    sentry_sdk.flush(10)
    [event] = reports.events
    cause, reported = event["exception"]["values"]
    assert (cause["type"], cause["value"]) == ("ValueError", "")
    assert (reported["type"], reported["module"]) == ("UnavailableError", "app.errors")
    assert reported["value"] == "The payment provider did not answer."
    last = reported["stacktrace"]["frames"][-1]
    assert (last["function"].rpartition(".")[2], last["lineno"] > 0) == ("ask", True)
    assert "canary" not in json.dumps(event)


def test_a_repeated_error_is_sent_a_few_times_and_counted(reports: Reports, recorded: Logs, tmp_path: Path) -> None:
    registry = _reporting(tmp_path, reports)
    nothing: dict[int, str] = {}
    for number in range(1000):
        try:
            nothing[number]
        except KeyError as error:
            structlog.get_logger().error("unhandled_error", exc_info=error)
    sentry_sdk.flush(10)
    assert len(reports.events) == MAX_REPEATS
    assert _count(registry, "error_reports_total", outcome="queued") == MAX_REPEATS
    assert _count(registry, "error_reports_total", outcome="suppressed") == 1000 - MAX_REPEATS
    assert len(recorded.lines("unhandled_error")) == 10


@pytest.mark.parametrize("behaviour", ["refuses", "hangs", "eats slowly", "500", "429"])
def test_an_unhealthy_receiver_delays_nothing_and_lost_reports_are_counted(
    reports: Reports, tmp_path: Path, behaviour: str
) -> None:
    if behaviour == "refuses":
        reports.dsn = "http://public@127.0.0.1:9/1"
    reports.behave(behaviour)
    registry = _reporting(tmp_path, reports)
    number = QUEUE_SIZE + 50
    # All of this returns while a hanging receiver still holds its first request, until the test ends.
    for each in range(number):
        errors.capture(_different(each), route="/api/v1/orders")
    errors.close()
    assert _count(registry, "error_reports_total", outcome="queued") == number
    lost = _count(registry, "error_reports_lost_total")
    assert lost + len(reports.events) == number
    reason = {"refuses": "network", "500": "refused", "429": "rate_limited"}.get(behaviour, "unsent")
    assert _count(registry, "error_reports_lost_total", reason=reason) > 0
    errors.capture(RuntimeError("after the end"))
    assert not sentry_sdk.is_initialized()


def test_pending_reports_are_sent_at_shutdown(reports: Reports, tmp_path: Path) -> None:
    registry = _reporting(tmp_path, reports)
    for each in range(20):
        errors.capture(_different(each))
    errors.close()
    wait_until(lambda: len(reports.events) == 20, 5, "the events")
    assert _count(registry, "error_reports_lost_total") == 0
