"""Bad values get one sentence that names the key."""

import re

import pytest

from .rendering import PRODUCTION, Chart

REFUSED = [
    (("environment=production",), "sandbox.enabled must be false when environment is production"),
    ((*PRODUCTION, "sandbox.enabled=true"), "sandbox.enabled must be false when environment is production"),
    ((*PRODUCTION, "postgresql.enabled=true"), "postgresql.enabled must be false when environment is production"),
    ((*PRODUCTION, "valkey.enabled=true"), "valkey.enabled must be false when environment is production"),
    (("database.existingSecret=a",), "database.existingSecret and postgresql.enabled exclude each other"),
    (("postgresql.enabled=false",), "database.existingSecret is missing"),
    (("redis.existingSecret=a",), "redis.existingSecret and valkey.enabled exclude each other"),
    (("valkey.enabled=false",), "redis.existingSecret is missing"),
    (("provider.url=http://a.example.com",), "provider.url and sandbox.enabled exclude each other"),
    (("sandbox.enabled=false",), "provider.url is missing"),
    (("api.gracefulTimeoutSeconds=20",), "api.gracefulTimeoutSeconds (20) must be above"),
    (("api.drainSeconds=13",), "api.drainSeconds + api.shutdownSeconds + 2 (25)"),
    (("api.terminationGracePeriodSeconds=30",), "api.terminationGracePeriodSeconds (30) must be above"),
    (("api.preStopSeconds=15",), "api.preStopSeconds + api.gracefulTimeoutSeconds (40)"),
    (("worker.terminationGracePeriodSeconds=5",), "worker.terminationGracePeriodSeconds (5) must be above"),
]

OUT_OF_SCHEMA = [
    ("environment=local", "/environment"),
    ("replicas=3", "'replicas'"),
    ("api.replica=3", "'replica'"),
    ("api.replicas=two", "/api/replicas"),
    ("api.preStopSeconds=0", "/api/preStopSeconds"),
    ("image.digest=sha256:abc", "/image/digest"),
    ("settings.tracesSampleRatio=2", "/settings/tracesSampleRatio"),
    ("settings.tracesSampleRatio=1.5", "/settings/tracesSampleRatio"),
    ("provider.timeoutSeconds=30", "/provider/timeoutSeconds"),
    ("provider.timeoutSeconds=30.5", "/provider/timeoutSeconds"),
    ("api.resources.limit.memory=1Gi", "'limit'"),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_contradictions_are_refused(chart: Chart, values: tuple[str, ...], sentence: str) -> None:
    assert sentence in chart.refusal(*values)


@pytest.mark.parametrize(("value", "place"), OUT_OF_SCHEMA, ids=[value for value, _ in OUT_OF_SCHEMA])
def test_unknown_keys_and_wrong_types_are_refused(chart: Chart, value: str, place: str) -> None:
    assert place in chart.refusal(value)


def test_a_parent_chart_may_add_its_own_words(chart: Chart) -> None:
    chart.render("enabled=true", "global.security.allowInsecureImages=true")


@pytest.mark.parametrize("missing", PRODUCTION[1:])
def test_production_needs_every_one_of_its_values(chart: Chart, missing: str) -> None:
    assert missing.partition("=")[0] in chart.refusal(*(value for value in PRODUCTION if value != missing))


def opening(sentence: str) -> tuple[str, ...]:
    """The words that tell one refusal from another, without the numbers in it."""
    return tuple(re.sub(r" \(.*?\)|[:,]", "", sentence).split()[:3])


def test_every_refusal_is_tried(chart: Chart) -> None:
    template = (chart.folder / "templates/_checks.tpl").read_text()
    sentences = re.findall(r'fail (?:\(printf )?"(.+?)"', template)
    tried = {opening(sentence) for _, sentence in REFUSED}
    assert {opening(sentence) for sentence in sentences} - tried == {
        ("monitoring.rules.enabled", "needs", "files/rules.yaml"),  # see test_monitoring.py
        ("monitoring.dashboards.enabled", "needs", "files/dashboards/*.json"),
    }
