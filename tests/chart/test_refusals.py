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
    (("api.gracefulTimeoutSeconds=22",), "api.gracefulTimeoutSeconds (22) must be above"),
    (("api.drainSeconds=11",), "api.drainSeconds + api.shutdownSeconds + 4 (25)"),
    (("api.terminationGracePeriodSeconds=30",), "api.terminationGracePeriodSeconds (30) must be above"),
    (("api.preStopSeconds=15",), "api.preStopSeconds + api.gracefulTimeoutSeconds (40)"),
    (("worker.terminationGracePeriodSeconds=5",), "worker.terminationGracePeriodSeconds (5) must be above"),
    (("provider.timeoutSeconds=30",), "settings.claimSeconds (30) must be above provider.timeoutSeconds (30)"),
    (
        ("settings.mailTimeoutSeconds=8.5", "settings.jobSeconds=8"),
        "settings.jobSeconds (8) must be above settings.mail",
    ),
    (("settings.claimSeconds=3", "provider.timeoutSeconds=1"), "settings.claimSeconds (3) must be above settings.mail"),
    (("postgresql.existingSecret=a",), "database.existingSecret is missing beside postgresql.existingSecret"),
    (("valkey.existingSecret=a",), "redis.existingSecret is missing beside valkey.existingSecret"),
    ((*PRODUCTION, "settings.logFormat=console"), "settings.logFormat must be json"),
    ((*PRODUCTION, "api.allowedHosts={*}"), "api.allowedHosts must name the hosts"),
    ((*PRODUCTION, "settings.corsOrigins={*}"), "settings.corsOrigins must name the pages"),
    (("api.replicas=20",), "postgresql.maxConnections (150) must be 257 or more"),
    (("api.autoscaling.enabled=true", "api.autoscaling.minReplicas=9"), "api.autoscaling.minReplicas (9) must not"),
    (("worker.autoscaling.enabled=true", "worker.autoscaling.targetCPU="), "worker.autoscaling.targetCPU is missing"),
    (("api.podDisruptionBudget.minAvailable=2",), "api.podDisruptionBudget.minAvailable (2) must be below the fewest"),
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
    ("provider.timeoutSeconds=0", "/provider/timeoutSeconds"),
    ("settings.rateLimitRead=1", "'rateLimitRead'"),
    ("settings.rateLimitReads=-1", "/settings/rateLimitReads"),
    ("settings.docs=maybe", "/settings/docs"),
    ("settings.mailFrom=nobody", "/settings/mailFrom"),
    ("api.maxSurge=0", "/api/maxSurge"),
    ("api.maxSurge=half", "/api/maxSurge"),
    ("api.readinessProbe.periodSeconds=0", "/api/readinessProbe/periodSeconds"),
    ("api.livenessProbe.successThreshold=2", "'successThreshold'"),
    ("extraEnv[0].value=1", "/extraEnv/0"),
    ("worker.sidecars[0].name=a", "/worker/sidecars/0"),
    ("api.tolerations[0]=a", "/api/tolerations/0"),
    # What an older release's values lack (`--reuse-values`), or `null` took away.
    ("migrations=null", "'migrations'"),
    ("tolerations=null", "'tolerations'"),
    ("worker.replicas=null", "/worker"),
    ("postgresql.restartOnUpgrade=later", "/postgresql/restartOnUpgrade"),
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
    assert missing.partition("=")[0].partition("[")[0] in chart.refusal(
        *(value for value in PRODUCTION if value != missing)
    )


def said(sentence: str, refusal: str) -> bool:
    """Whether a refusal is what the template's sentence makes, with anything in the place of its blanks."""
    return re.search(re.sub(r"%[dsv]", ".*", re.escape(sentence)), refusal) is not None


def test_every_refusal_is_tried(chart: Chart) -> None:
    template = "".join((chart.folder / "templates" / name).read_text() for name in ("_checks.tpl", "_capacity.tpl"))
    sentences = re.findall(r'fail (?:\(printf )?"(.+?)"', template)
    assert len(sentences) > len(REFUSED) / 2
    refusals = [chart.refusal(*values) for values, _ in REFUSED]
    untried = {sentence.split()[0] for sentence in sentences if not any(said(sentence, each) for each in refusals)}
    assert untried == {  # see test_monitoring.py
        "monitoring.rules.enabled",
        "monitoring.dashboards.enabled",
        "monitoring.podMonitor.enabled",
    }
