"""The inventory lists exactly the telemetry that the code emits; the page, rules and dashboards use no other."""

from pathlib import Path

import pytest

from app.infra.queue.messages import REASONS
from app.processes.api import create_app
from app.settings import Settings
from app.telemetry.logs.fields import FIELDS
from app.telemetry.metrics import DroppedMessageMetrics
from app.telemetry.metrics.process import register_process
from app.telemetry.traces.attribute_allowlist import ALLOWED
from grafana.exported import SCRAPE
from scripts import generated_files
from scripts.inventory import usage
from scripts.inventory.__main__ import files
from scripts.inventory.log_calls import LogCalls, log_calls
from scripts.inventory.metric_families import MetricFamily, metric_families
from scripts.inventory.model import FILE, Inventory, InventoryError, load

EMBEDDED = ("api", "worker", "reconciler")
# Added by scraping, and the series that Prometheus makes itself.
TARGET = {"job", "namespace", "release", "component", "pod", "container", "cluster"}


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load()


@pytest.fixture(scope="module")
def events() -> dict[str, LogCalls]:
    return log_calls(generated_files.ROOT / "app")


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_metrics_are_those_of_the_inventory_and_start_at_0(settings: Settings, inventory: Inventory) -> None:
    binnacle = create_app(settings)
    async with binnacle.app.router.lifespan_context(binnacle.app):
        register_process(binnacle.telemetry.registry)
        DroppedMessageMetrics(binnacle.telemetry.registry, REASONS)  # an embedded API has no queue
        found = metric_families(binnacle.telemetry.registry)
        samples = [sample for family in binnacle.telemetry.registry.collect() for sample in family.samples]
    stated = {
        name: MetricFamily(metric.kind, metric.about, tuple(metric.labels), tuple(metric.buckets))
        for name, metric in inventory.metrics.items()
    }
    assert found == stated
    present = {(usage.family(sample.name), frozenset(sample.labels.items())) for sample in samples}
    present |= {(name, frozenset(pair for pair in labels if pair[0] != "le")) for name, labels in present}
    missing = [
        (name, labels)
        for name, metric in inventory.metrics.items()
        for labels in metric.initial(EMBEDDED, redis=False)
        if (name, frozenset(labels.items())) not in present
    ]
    assert missing == []
    unknown = {
        (name, labels)
        for name, labels in present
        if not inventory.metrics[name].allows({label: value for label, value in labels if label != "le"})
    }
    assert unknown == set()


def test_every_event_is_in_the_inventory_and_every_entry_is_logged_by_code(
    events: dict[str, LogCalls], inventory: Inventory
) -> None:
    assert {name: found.places for name, found in events.items() if name not in inventory.events} == {}
    assert inventory.events.keys() - events.keys() == set()


def test_events_have_the_levels_and_fields_of_the_inventory(events: dict[str, LogCalls], inventory: Inventory) -> None:
    for name, found in events.items():
        stated, common = inventory.events[name], inventory.common_fields.keys()
        fields, places = found.fields - common, found.places
        assert fields <= set(stated.fields), f"{name}: {places}"
        assert found.has_dynamic_fields or fields == set(stated.fields), f"{name}: {places}"
        assert found.levels <= set(stated.level), f"{name}: {places}"


def test_the_inventory_has_no_field_outside_the_allowlist(events: dict[str, LogCalls], inventory: Inventory) -> None:
    whole = {name for name, found in events.items() if all("telemetry/" in place for place in found.places)}
    for name in events.keys() - whole:  # lines that telemetry writes as a whole have no field list
        assert set(inventory.events[name].fields) <= FIELDS.keys(), name


def test_spans_have_no_attribute_outside_the_allowlist(inventory: Inventory) -> None:
    attributes = {attribute for span in inventory.spans.values() for attribute in span.attributes}
    assert attributes - ALLOWED == set()


def test_rules_and_dashboards_use_existing_metrics(inventory: Inventory) -> None:
    rules = list(usage.rules())
    recorded = {rule["record"] for rule in rules if "record" in rule}
    asked = [(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules] + list(usage.queries())
    assert len(asked) > 50
    for who, expression in asked:
        for name, matchers in usage.selectors(expression):
            if name in recorded or name in {*SCRAPE, "ALERTS"}:
                continue
            metric = inventory.metrics.get(usage.family(name))
            assert metric is not None, f"{who} asks for {name}"
            for label, operator, value in matchers:
                known = metric.labels.get(label)
                assert known is not None or label in TARGET | {"le"}, f"{who} asks for {label} of {name}"
                if operator == "MatchOp.Equal" and isinstance(known, list):
                    assert value in known, f"{who} asks for {name} with {label} {value}"


def test_the_page_is_the_generators_output() -> None:
    for path, text in files().items():
        assert (generated_files.ROOT / path).read_text(encoding="utf-8") == text


def test_users_are_counted_by_recording_rules() -> None:
    found = usage.metric_users()
    assert "objective availability" in found["http_requests_total"]
    assert "alert BinnacleAvailabilityBudgetBurn" in found["http_requests_total"]
    assert "alert BinnacleLatencyBudgetBurn" not in found["http_requests_total"]
    assert "panel Requests by status" in found["http_requests_total"]


REFUSALS = [
    ("kind: counter", "kind: count", r"metrics\.\w+\.kind: Input should be 'counter', 'gauge' or 'histogram'"),
    ("  build_info:", "  Build-info:", r"metrics\.Build-info.*: String should match pattern"),
    ("  cache_requests_total:", "  cache_requests:", "a counter's name ends with _total"),
    (
        "  database_pool_wait_seconds:",
        "  database_pool_wait:",
        "with the unit seconds its name has to end with _seconds",
    ),
    ("    about: Cache look-ups, by outcome.\n", "", r"metrics\.cache_requests_total\.about: Field required"),
    ("fields: [state, target, was]", "fields: [state, target, was, level]", "level is a common field; don't repeat it"),
    ("  build_info:", "  zz_info:", "not in alphabetical order"),
    ("values: {target: [rates]}", "values: {goal: [rates]}", "must name the labels, all of them and no others"),
    ("values: {target: [rates]}", "values: {target: [post]}", "a value of target that labels does not have"),
    ('names: ["{operation} {table}"', 'names: ["{operation} {chair}"', "{chair} is not among the placeholders"),
    ("    unit: info\n", "    unit: info\n    units: info\n", "Extra inputs are not permitted"),
    ("metrics:\n", "metrics: [\n", "is not YAML"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), REFUSALS)
def test_an_invalid_entry_is_refused_with_a_message(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "inventory.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InventoryError, match=sentence):
        load(file)


def test_events_are_read_from_the_source(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/one.py").write_text(
        "log = structlog.get_logger()\n"
        '(log.info if good else log.warning)("breaker", target=1)\n'
        'structlog.get_logger().exception("failed", exc_info=error)\n'
        'logging.getLogger("x").info("draining for %g s", 1)\n'
        "def f():\n"
        '    about = {"topic": 1}\n'
        '    log.error("dead", **about)\n'
        '    log.error("more", **others)\n'
        'line = {"level": "info", "event": "request", "status": 200}\n',
        encoding="utf-8",
    )
    found = log_calls(tmp_path / "app")
    assert {name: (each.levels, each.fields, each.has_dynamic_fields) for name, each in found.items()} == {
        "breaker": ({"info", "warning"}, {"target"}, False),
        "failed": ({"error"}, set(), False),
        "dead": ({"error"}, {"topic"}, False),
        "more": ({"error"}, set(), True),
        "request": ({"info"}, {"status"}, False),
    }
