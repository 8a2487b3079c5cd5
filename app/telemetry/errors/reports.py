"""Reports errors to Sentry, captured where they are handled, without personal data.

An event holds only redacted data: no scope, breadcrumbs, request or variables, and only messages of our own errors.
Every error that is logged is reported.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from app.telemetry import context
from app.telemetry.errors import exceptions

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.errors.sentry import Transport
    from app.telemetry.metrics.logs import ErrorReportMetrics

_TAGS: Final = ("request_id", "route", "topic", "task", "event", "logger")
_REPORTED: Final = "__binnacle_reported__"
FLUSH_SECONDS: Final = 1.0


def configure(settings: "Settings", process: str) -> None:
    """Starts reporting if a DSN is set. Uses no integrations, since each adds cost to every request."""
    if settings.sentry_dsn is None:
        return
    from app.telemetry.errors import sentry  # noqa: PLC0415 -- saves 0.1 s and 4 MB without a DSN

    sentry.start(settings.sentry_dsn.get_secret_value(), settings, process)


def count_in(metrics: "ErrorReportMetrics") -> None:
    """Counts the outcomes of this process's reports in `metrics`."""
    transport = _transport()
    if transport is not None:
        transport.count_in(metrics)


def capture(error: BaseException, **tags: str) -> None:
    """Reports an error that is handled without being logged; does nothing without a DSN or if already reported."""
    if _transport() is None:
        return
    about: dict[str, object] = {**tags}
    work = context.current()
    if work is not None:
        about |= {"request_id": work.request_id, "trace_id": work.trace_id, "span_id": work.span_id}
    report(error, exceptions.chain(error), about)


def report(error: BaseException, links: list[exceptions.Link], about: Mapping[str, object]) -> None:
    """Reports an error with the fields of its log line as tags. Never raises, never waits."""
    transport = _transport()
    if transport is None or getattr(error, _REPORTED, False):
        return
    with suppress(AttributeError):  # exceptions of extension modules may have no __dict__
        setattr(error, _REPORTED, True)
    suppressed = transport.admits((links[0].name, exceptions.place(links)), time.monotonic())
    if suppressed is None:
        return
    import sentry_sdk  # noqa: PLC0415 -- already imported if there is a transport

    try:
        sentry_sdk.get_client().capture_event(_event(links, about, suppressed))
    except Exception:  # noqa: BLE001 -- a failed report must not raise a second error
        transport.on_dropped_event("internal_sdk_error")


def close() -> None:
    """Stops reporting. Sends queued reports for at most `FLUSH_SECONDS`, and counts the others as lost."""
    if _transport() is None:
        return
    import sentry_sdk  # noqa: PLC0415 -- see above

    sentry_sdk.get_client().close(timeout=FLUSH_SECONDS)
    sentry_sdk.get_global_scope().set_client(None)


def _transport() -> "Transport | None":
    if "app.telemetry.errors.sentry" not in sys.modules:
        return None
    from app.telemetry.errors import sentry  # noqa: PLC0415 -- see above

    return sentry.transport()


def _event(links: list[exceptions.Link], about: Mapping[str, object], suppressed: int) -> Any:
    tags = {name: str(about[name]) for name in _TAGS if about.get(name)}
    if suppressed:
        tags["suppressed_before"] = str(suppressed)
    event: dict[str, Any] = {
        "level": "fatal" if about.get("level") == "critical" else "error",
        "exception": {"values": [*_values(links)]},
        "tags": tags,
    }
    if about.get("trace_id"):
        event["contexts"] = {
            "trace": {"trace_id": about["trace_id"], "span_id": about.get("span_id") or "0" * 16, "type": "trace"}
        }
    if about.get("route") or about.get("topic"):
        event["transaction"] = str(about.get("route") or about.get("topic"))
    return event


def _values(links: list[exceptions.Link]) -> Iterator[dict[str, Any]]:
    """Yields exceptions in Sentry's order: the first cause first, outermost frames first."""
    for each in reversed(links):
        value: dict[str, Any] = {"type": each.type, "module": each.module, "value": each.summary}
        if each.frames:
            value["stacktrace"] = {
                "frames": [
                    {
                        "module": frame.module,
                        "function": frame.function,
                        "filename": frame.module.replace(".", "/") + ".py",
                        "lineno": frame.line,
                        "in_app": frame.module.startswith(exceptions.OURS),
                    }
                    for frame in each.frames
                ]
            }
        yield value
