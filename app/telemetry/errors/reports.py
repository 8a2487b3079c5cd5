"""Error reports to Sentry: errors only, captured where they are handled, without personal data.

An event is made of what may be told and of nothing else: no scope, no breadcrumbs, no request, no variables, and no
message but of our own errors. What is handled is logged, so that what is logged as an error is what is reported.
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
    """Starts reporting when there is a DSN. No integrations: each costs every request something."""
    if settings.sentry_dsn is None:
        return
    from app.telemetry.errors import sentry  # noqa: PLC0415 -- a tenth of a second and 4 MB that a process without saves

    sentry.start(settings, process)


def count_in(metrics: "ErrorReportMetrics") -> None:
    """Counts what becomes of this process's reports."""
    transport = _transport()
    if transport is not None:
        transport.count_in(metrics)


def capture(error: BaseException, **tags: str) -> None:
    """Reports an error that is handled without being logged; does nothing without a DSN, or the second time."""
    if _transport() is None:
        return
    about: dict[str, object] = {**tags}
    work = context.current()
    if work is not None:
        about |= {"request_id": work.request_id, "trace_id": work.trace_id, "span_id": work.span_id}
    report(error, exceptions.chain(error), about)


def report(error: BaseException, links: list[exceptions.Told], about: Mapping[str, object]) -> None:
    """Reports an error with what its log line says of it. Never raises, never waits."""
    transport = _transport()
    if transport is None or getattr(error, _REPORTED, False):
        return
    with suppress(AttributeError):  # an exception without a __dict__, of an extension module
        setattr(error, _REPORTED, True)
    suppressed = transport.admits((links[0].name, exceptions.place(links)), time.monotonic())
    if suppressed is None:
        return
    import sentry_sdk  # noqa: PLC0415 -- loaded already, or there would be no transport

    try:
        sentry_sdk.get_client().capture_event(_event(links, about, suppressed))
    except Exception:  # noqa: BLE001 -- a report that can't be made must not be the second fault
        transport.on_dropped_event("internal_sdk_error")


def close() -> None:
    """Sends what is left, for `FLUSH_SECONDS` at most; what is not sent then is counted as lost. Reports no more."""
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


def _event(links: list[exceptions.Told], about: Mapping[str, object], suppressed: int) -> Any:
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


def _values(links: list[exceptions.Told]) -> Iterator[dict[str, Any]]:
    """Sentry's order: what came first is first, and frames from the outermost in."""
    for told in reversed(links):
        value: dict[str, Any] = {"type": told.type, "module": told.module, "value": told.summary}
        if told.frames:
            value["stacktrace"] = {
                "frames": [
                    {
                        "module": frame.module,
                        "function": frame.function,
                        "filename": frame.module.replace(".", "/") + ".py",
                        "lineno": frame.line,
                        "in_app": frame.module.startswith(exceptions.OURS),
                    }
                    for frame in told.frames
                ]
            }
        yield value
