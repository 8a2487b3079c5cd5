"""Bad values get one sentence that names the key."""

import re

import pytest

from .rendering import PRODUCTION, Chart

REFUSED = [
    (("environment=production",), "sandbox.enabled must be false when environment is production"),
    ((*PRODUCTION, "sandbox.enabled=true"), "sandbox.enabled must be false when environment is production"),
    ((*PRODUCTION, "postgresql.enabled=true"), "postgresql.enabled must be false when environment is production"),
    ((*PRODUCTION, "valkey.enabled=true"), "valkey.enabled must be false when environment is production"),
    ((*PRODUCTION, "loadTest.enabled=true"), "loadTest.enabled must be false when environment is production"),
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
    ((*PRODUCTION, "image.tag=latest"), "image.tag must not be latest when environment is production"),
    (
        ("monitoring.enabled=true", "monitoring.podMonitor.interval=1m", "monitoring.podMonitor.scrapeTimeout=1m1s"),
        "monitoring.podMonitor.scrapeTimeout (1m1s) must not be above monitoring.podMonitor.interval (1m)",
    ),
    (
        (
            "monitoring.enabled=true",
            "monitoring.podMonitor.enabled=false",
            "monitoring.serviceMonitor.enabled=true",
            "monitoring.serviceMonitor.scrapeTimeout=15001ms",
        ),
        "monitoring.serviceMonitor.scrapeTimeout (15001ms) must not be above",
    ),
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
    ("extraEnv[0].name=A,extraEnv[0].value=5", "/extraEnv/0/value"),
    ("api.extraEnv[0].name=A,api.extraEnv[0].valueFrom.secretRef.name=a", "'secretRef'"),
    ("extraEnvFrom[0].configMap.name=a", "'configMap'"),
    ("worker.extraVolumes[0].name=a,worker.extraVolumes[0].secret.name=a", "'name'"),
    ("extraVolumeMounts[0].name=a,extraVolumeMounts[0].mountPath=/a,extraVolumeMounts[0].readonly=true", "'readonly'"),
    ("sidecars[0].name=a,sidecars[0].image=a,sidecars[0].ports[0].containerPort=http", "/sidecars/0/ports/0"),
    ("initContainers[0].name=a,initContainers[0].image=a,initContainers[0].env[0].name=5", "/initContainers/0/env/0"),
    ("tolerations[0].key=a,tolerations[0].operator=Exist", "/tolerations/0/operator"),
    ("sandbox.tolerations[0].keys=a", "'keys'"),
    ("affinity.nodeAfinity.a=b", "'nodeAfinity'"),
    ("valkey.affinity.podAffinity.preferred=b", "'preferred'"),
    ("topologySpreadConstraints[0].whenUnsatisfiable=Never", "/topologySpreadConstraints/0/whenUnsatisfiable"),
    (
        "api.autoscaling.metrics[0].type=Pods,api.autoscaling.metrics[0].pods.metric.name=5",
        "/api/autoscaling/metrics/0",
    ),
    ("worker.autoscaling.behavior.scaleup.stabilizationWindowSeconds=1", "'scaleup'"),
    ("monitoring.podMonitor.metricRelabelings[0].target_label=a", "'target_label'"),
    ("monitoring.serviceMonitor.metricRelabelings[0].action=remove", "/metricRelabelings/0/action"),
    ("httpRoute.parentRefs[0].name=a,httpRoute.parentRefs[0].section=a", "'section'"),
    ("api.resources.requests.mem=1Gi", "'mem'"),
    ("api.resources.limits.memory=1GB", "/api/resources/limits/memory"),
    ("fullnameOverride=2026", "/fullnameOverride"),
    ("namespaceOverride=my.shop", "/namespaceOverride"),
    ("database.existingSecret=My_Secret", "/database/existingSecret"),
    ("commonLabels.a=a b", "/commonLabels/a"),
    ("api.service.annotations.a b=c", "a b"),
    ("api.trustedProxies={gateway}", "/api/trustedProxies/0"),
    ("monitoring.podMonitor.interval=soon", "/monitoring/podMonitor/interval"),
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


def test_a_timeout_as_long_as_its_interval_is_taken(chart: Chart) -> None:
    chart.render(
        "monitoring.enabled=true", "monitoring.podMonitor.interval=1m", "monitoring.podMonitor.scrapeTimeout=60s"
    )
    chart.render(
        "monitoring.enabled=true", "monitoring.podMonitor.interval=", "monitoring.podMonitor.scrapeTimeout=60s"
    )


def test_production_takes_any_tag_beside_a_digest(chart: Chart) -> None:
    chart.render(*PRODUCTION, "image.tag=latest", f"image.digest=sha256:{'a' * 64}")


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
    subjects = ("production", "dependencies", "times", "monitoring", "capacity")
    template = "".join((chart.folder / f"templates/checks/_{subject}.tpl").read_text() for subject in subjects)
    sentences = re.findall(r'fail (?:\(printf )?"(.+?)"', template)
    assert len(sentences) > len(REFUSED) / 2
    refusals = [chart.refusal(*values) for values, _ in REFUSED]
    untried = {sentence.split()[0] for sentence in sentences if not any(said(sentence, each) for each in refusals)}
    assert untried == {  # see test_monitoring.py
        "monitoring.rules.enabled",
        "monitoring.dashboards.enabled",
        "monitoring.podMonitor.enabled",
    }
