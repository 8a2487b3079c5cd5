"""Watches what the tests emit: every log line, span and metric, held against the inventory when they are over.

What the inventory does not know fails the run; when the whole suite has run, so does an entry that no test emits.
"""

import json
import logging
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import prometheus_client.values
import pytest
import structlog

from app.telemetry.logs import json_lines, sink
from app.telemetry.logs.sink import Sink
from app.telemetry.metrics import HttpMetrics
from scripts.inventory.model import Inventory, load

if TYPE_CHECKING:
    from types import FrameType

ROOT: Final = Path(__file__).parents[2]
_NARROWER: Final = ("collectonly", "keyword", "markexpr", "deselect", "lf", "ignore", "ignore_glob")
# By their numbers in OTLP.
_SPAN_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_APP: Final = str(ROOT / "app") + "/"
_INVENTED: Final = {"topic": ("ring_the_bell", "other")}  # topics of tests that work on no real ones


class Emitted:
    """What was emitted, by one test process or by all of them."""

    def __init__(self) -> None:
        self.events: dict[str, set[str]] = defaultdict(set)
        self.metrics: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        self.spans: set[tuple[str, str, tuple[str, ...]]] = set()  # two kinds may share a name: each by itself

    def line(self, line: Mapping[str, Any]) -> None:
        """A log line; those of third parties say whatever they say."""
        if "logger" in line:
            line = {**line, "event": "a third party's"}
        self.events[str(line["event"])].update(map(str, line))

    def span(self, kind: str, name: str, attributes: Iterable[str]) -> None:
        self.spans.add((kind, name, tuple(sorted(attributes))))

    def told(self) -> str:
        """All of it as text, for the process that collects."""
        return json.dumps(
            [
                [[event, sorted(names)] for event, names in list(self.events.items())],
                sorted(set(self.metrics)),  # copies, since some thread may still emit something
                sorted(set(self.spans)),
            ]
        )

    def hear(self, told: str) -> None:
        """Adds what another process told."""
        events, metrics, spans = json.loads(told)
        for event, names in events:
            self.events[event].update(names)
        self.metrics.update((name, tuple((label, value) for label, value in labels)) for name, labels in metrics)
        for kind, name, names in spans:
            self.span(kind, name, names)

    def unknown(self, inventory: Inventory) -> list[str]:
        """One sentence for each thing that the inventory does not know."""
        common = inventory.common_fields.keys()
        problems = []
        for name, names in sorted(self.events.items()):
            event = inventory.events.get(name)
            known = set(event.fields) if event is not None else set()
            if event is None and "logger" not in names:
                problems.append(f"the event {name} was logged")
            elif more := names - common - known:
                problems.append(f"the event {name} was logged with {', '.join(sorted(more))}")
        for name, labels in sorted(self.metrics):
            metric = inventory.metrics.get(name)
            invented = any(value in _INVENTED.get(label, ()) for label, value in labels)
            if metric is None or not (invented or metric.allows(dict(labels))):
                problems.append(f"the metric {name} was counted with {dict(labels)}")
        for kind, name, attributes in sorted(self.spans):
            names = set(attributes)
            candidates = inventory.spans_of(kind, name).values()
            if not candidates:
                problems.append(f"the {kind} span {name!r} was recorded")
            elif not any(names <= set(span.attributes) for span in candidates):
                more = names - set().union(*(span.attributes for span in candidates))
                problems.append(f"the {kind} span {name!r} was recorded with {', '.join(sorted(more))}")
        return problems

    def silent(self, inventory: Inventory) -> list[str]:
        """Each entry of the inventory that nothing emitted."""
        counted = {name for name, _ in self.metrics}
        recorded = {key for kind, name, _ in self.spans for key in inventory.spans_of(kind, name)}
        library = {name for name in inventory.metrics if name.startswith(("process_", "python_"))}  # read at a scrape
        return [
            *(f"the metric {name}" for name in inventory.metrics.keys() - counted - library),
            *(f"the event {name}" for name in inventory.events.keys() - self.events.keys()),
            *(f"the span {name}" for name in inventory.spans.keys() - recorded),
        ]


class Watch:
    """The plugin. In a process that runs tests it looks on; in the one that collects, it judges."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.emitted = Emitted()
        self.problems: list[str] = []
        _watch_lines(self.emitted)
        _watch_metrics(self.emitted)
        _watch_spans(self.emitted)
        _watch_programs(self.emitted)

    def pytest_collection_finish(self) -> None:
        """By now it is known whether there are tests that start processes, or receive spans."""
        _watch_processes(self.emitted, sys.modules.get("tests.support.processes"))
        _watch_receiver(self.emitted, sys.modules.get("tests.support.otlp_receiver"))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        del error
        told = getattr(node, "workeroutput", {}).get("emitted")
        if told is not None:
            self.emitted.hear(told)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output["emitted"] = self.emitted.told()
            return
        inventory = load()
        self.problems = [f"{problem}: the inventory does not know it" for problem in self.emitted.unknown(inventory)]
        if _is_whole(self.config) and session.exitstatus == pytest.ExitCode.OK:
            self.problems += [f"{entry}: no test emits it" for entry in sorted(self.emitted.silent(inventory))]
        if self.problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.problems:
            terminalreporter.section("app/telemetry/inventory.yaml", red=True)
            for problem in self.problems:
                terminalreporter.line(problem)


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests of the service run: only they can emit everything."""
    chosen = any(config.getoption(option, None) for option in _NARROWER)
    folders = [(config.invocation_params.dir / str(argument).partition("::")[0]).resolve() for argument in config.args]
    service = ROOT / "tests/app"
    return not chosen and any(folder == service or folder in service.parents for folder in folders)


def _watch_processes(emitted: Emitted, module: Any) -> None:
    """Reads what a process has logged when it is over."""
    if module is None:
        return
    close = module.Running.close

    def closed(self: Any) -> None:
        close(self)
        _read(emitted, self.log.read_bytes())

    module.Running.close = closed


def _watch_programs(emitted: Emitted) -> None:
    """Reads what a program printed that a test ran to its end, where it is lines of a log."""
    run = subprocess.run

    def ran(*arguments: Any, **options: Any) -> Any:
        result = run(*arguments, **options)
        output = result.stdout or b""
        _read(emitted, output.encode("utf-8", "replace") if isinstance(output, str) else output)
        return result

    subprocess.run = ran


def _read(emitted: Emitted, output: bytes) -> None:
    for line in output.splitlines():
        if line.startswith(b'{"timestamp"'):
            with suppress(ValueError):
                emitted.line(json.loads(line))


def _watch_receiver(emitted: Emitted, module: Any) -> None:
    """Sees what processes send to a receiver of spans."""
    if module is None:
        return
    decoded = module._spans

    def decode(request: Any) -> Iterator[Any]:
        for span in decoded(request):
            emitted.span(_SPAN_KINDS[span.kind], span.name, span.attributes)
            yield span

    module._spans = decode


def _watch_lines(emitted: Emitted) -> None:
    configure, encoded = structlog.configure, json_lines.encoded

    def seen(_logger: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if _from_the_service():
            emitted.line({**{name: value for name, value in event.items() if name != "exc_info"}, "level": level})
        return event

    def configured(processors: Any = None, **options: Any) -> None:
        """Tests that print lines for people do not use the sink."""
        if processors is not None and isinstance(processors[-1], structlog.processors.JSONRenderer):
            processors = [seen, *(each for each in processors if each is not seen)]
        configure(processors, **options)

    def formed(line: Mapping[str, Any]) -> bytes:
        """Records the line about lost lines, the only one that the sink builds by itself."""
        if sys._getframe(1).f_code.co_name == "_report_lost":
            emitted.line(line)
        return encoded(line)

    structlog.configure = configured  # type: ignore[assignment]
    written = _watched(emitted, Sink.write)
    Sink.write_soon = _watched(emitted, Sink.write_soon)  # type: ignore[method-assign]
    Sink.write = written  # type: ignore[method-assign]
    sink.encoded = formed  # type: ignore[attr-defined]
    for level in ("debug", "info", "warning", "error", "critical"):
        setattr(Sink, level, written)


def _watched(emitted: Emitted, put: Callable[[Sink, Mapping[str, Any]], None]) -> Callable[..., None]:
    """One of the sink's ways in, which a logger calls as well."""

    def watched(self: Sink, line: Mapping[str, Any]) -> None:
        if _from_the_service():
            emitted.line(line)
        put(self, line)

    return watched


def _from_the_service() -> bool:
    """Whether the service has logged this, and not a test of logs."""
    frame: FrameType | None = sys._getframe(2)
    own = (f"{_APP}telemetry/logs/line_processor.py", f"{_APP}telemetry/logs/sink.py")
    skipped = (str(Path(structlog.__file__).parent), str(Path(logging.__file__).parent), *own)
    while frame is not None and frame.f_code.co_filename.startswith(skipped):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(_APP)


def _watch_metrics(emitted: Emitted) -> None:
    value: Any = prometheus_client.values.MutexValue
    began: Callable[..., None] = value.__init__
    increased, put = value.inc, value.set

    def begin(
        self: Any, kind: str, family: str, name: str, labels: Any, values: Any, *more: Any, **options: Any
    ) -> None:
        began(self, kind, family, name, labels, values, *more, **options)
        known = [(label, text) for label, text in zip(labels, values, strict=True) if label != "le"]
        self.series = (f"{family}_total" if kind == "counter" else family, tuple(known))

    def increase(self: Any, amount: float) -> None:
        increased(self, amount)
        if amount:
            emitted.metrics.add(self.series)

    def set_to(self: Any, amount: float, timestamp: Any = None) -> None:
        put(self, amount, timestamp)
        emitted.metrics.add(self.series)

    value.__init__, value.inc, value.set = begin, increase, set_to
    answered: Callable[..., None] = HttpMetrics.answered

    def answer(self: HttpMetrics, method: str, route: str, status: int, *more: Any) -> None:
        """Requests are counted without the library."""
        answered(self, method, route, status, *more)
        kind = (("method", method), ("route", route))
        emitted.metrics.add(("http_request_duration_seconds", kind))
        emitted.metrics.add(("http_requests_total", (*kind, ("status", str(status)))))

    HttpMetrics.answered = answer  # type: ignore[method-assign,assignment]


def _watch_spans(emitted: Emitted) -> None:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider  # noqa: PLC0415

    from app.telemetry.traces.attribute_allowlist import only_allowed  # noqa: PLC0415

    class Seen(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            emitted.span(span.kind.name.lower(), span.name, only_allowed(span).attributes or {})

    began: Callable[..., None] = TracerProvider.__init__

    def begin(self: TracerProvider, *arguments: Any, **options: Any) -> None:
        began(self, *arguments, **options)
        self.add_span_processor(Seen())

    TracerProvider.__init__ = begin  # type: ignore[method-assign]
