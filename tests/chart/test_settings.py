"""Every setting of the service is a value of the chart, a place of its own in it, or withheld for a reason."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings, read
from app.settings.checks import SHUTDOWN_MARGIN_SECONDS
from helm import generate, settings
from scripts.settings import variable

from .rendering import PRODUCTION, ROOT, Chart, Rendering

COMPONENTS = ("api", "worker", "reconciler")
SECRETS = {
    "SECRET_KEY": "9a4c51e07bd83f266c0f1b27d3958ae4",
    "DATABASE_URL": "postgresql://user:word@stores/shop",
    "REDIS_URL": "redis://stores",
}
MAIL_PASSWORD = {"MAIL_PASSWORD": "word"}  # who names a user has one
# Not settings: where the files of the secrets are, and what a host name is made of.
BESIDE = {"SECRETS_DIR", "POD_NAMESPACE", "API_SERVICE", "SANDBOX_SERVICE"}
# What no rule below makes a good other value of.
OTHERS = {
    "mailFrom": "shop@example.com",
    "mailUrl": "smtps://mail.example.com",
    "mailUser": "shop",
    "rootPath": "/shop",
    "sslCertFile": __file__,
    "noProxy": ["example.com", "10.0.0.1"],
    "corsOrigins": ["https://a.example.com", "https://b.example.com"],
}
MOVED = {
    "api.webConcurrency=2": ("api", "WEB_CONCURRENCY", "2"),
    "worker.concurrency=3": ("worker", "WORKER_CONCURRENCY", "3"),
    "api.drainSeconds=7": ("api", "DRAIN_SECONDS", "7"),
    "api.shutdownSeconds=9": ("api", "SHUTDOWN_SECONDS", "9"),
    "api.gracefulTimeoutSeconds=24": ("api", "GRACEFUL_TIMEOUT_SECONDS", "24"),
    "api.trustedProxies={10.0.0.0/8,192.168.0.0/16}": ("api", "TRUSTED_PROXIES", "10.0.0.0/8,192.168.0.0/16"),
    "database.poolSize=4": ("api", "DATABASE_POOL_SIZE", "4"),
    "worker.database.poolSize=2": ("worker", "DATABASE_POOL_SIZE", "2"),
    "worker.database.maxOverflow=3": ("worker", "DATABASE_MAX_OVERFLOW", "3"),
    "database.maxOverflow=3": ("reconciler", "DATABASE_MAX_OVERFLOW", "3"),
    "provider.timeoutSeconds=2.5": ("worker", "PROVIDER_TIMEOUT_SECONDS", "2.5"),
}


def service(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    """What a process makes of these variables, as the kubelet would fill them in. Raises SettingsError."""
    for name, value in {**SECRETS, **environment, "SECRETS_DIR": ""}.items():
        monkeypatch.setenv(name, value.replace("$(POD_NAMESPACE)", "harbour"))
    return read(_env_file=None)


def other(name: str, field: FieldInfo) -> Any:
    """A good value that isn't the default."""
    if name in OTHERS:
        return OTHERS[name]
    match field.default:
        case None:
            return "https://other.example.com"
        case bool():
            return not field.default
        case int():
            return field.default + 1
        case float():
            return field.default / 2
    choices = settings.narrowed()[f"settings.{name}"]["enum"]
    return next(each for each in choices if each != field.default)


def test_every_setting_has_a_place_or_a_reason() -> None:
    known = Settings.model_fields.keys()
    assert settings.ELSEWHERE.keys() | settings.WITHHELD.keys() <= known
    assert not settings.ELSEWHERE.keys() & settings.WITHHELD.keys()
    values = {value.path for value in generate.declared((ROOT / "helm/binnacle/values.yaml").read_text())}
    assert set(settings.ELSEWHERE.values()) <= values
    assert {f"settings.{name}" for name, _ in settings.offered()} <= values


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_offered_setting_arrives(
    chart: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, component: str
) -> None:
    wanted = {name: other(name, field) for name, field in settings.offered()}
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps({"settings": wanted, "networkPolicy": {"enabled": False}}))
    environment = chart.render(files=[file]).environment(f"shop-binnacle-{component}")
    got = service(monkeypatch, {**MAIL_PASSWORD, **environment}).model_dump(mode="json")
    assert {name: got[field] for field in Settings.model_fields if (name := settings.camel(field)) in wanted} == wanted


def test_settings_left_out_are_not_set(demo: Rendering) -> None:
    offered = {settings.camel(name): variable(name, field) for name, field in Settings.model_fields.items()}
    variables = {offered[name] for name, _ in settings.offered()}
    for component in COMPONENTS:
        assert not variables & demo.environment(f"shop-binnacle-{component}").keys()


def test_settings_with_a_place_of_their_own_arrive(chart: Chart) -> None:
    rendering = chart.render(*MOVED)
    for component, name, value in MOVED.values():
        assert rendering.environment(f"shop-binnacle-{component}")[name] == value


def test_every_secret_setting_is_a_file(chart: Chart) -> None:
    rendering = chart.render(
        "adminToken.existingSecret=a",
        "sentry.existingSecret=b",
        "networkPolicy.egress.sentry[0].cidr=192.0.2.0/24",
        "provider.apiKey.existingSecret=c",
        "mail.apiKey.existingSecret=d",
        "proxy.existingSecret=e",
        "mail.password.existingSecret=f",
    )
    secret = {name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)}
    volumes = [volume for _, pod in rendering.pods() for volume in pod["volumes"] if "projected" in volume]
    sources = [source["secret"] for volume in volumes for source in volume["projected"]["sources"]]
    assert {item["path"] for source in sources for item in source["items"]} == secret


@pytest.mark.parametrize("values", [(), PRODUCTION], ids=["demo", "production"])
@pytest.mark.parametrize("component", COMPONENTS)
def test_the_service_starts_with_what_the_chart_gives(
    chart: Chart, monkeypatch: pytest.MonkeyPatch, values: tuple[str, ...], component: str
) -> None:
    environment = chart.render(*values).environment(f"shop-binnacle-{component}")
    variables = {variable(name, field) for name, field in Settings.model_fields.items()}
    assert environment.keys() - BESIDE <= variables
    assert service(monkeypatch, environment).environment == environment["ENVIRONMENT"]


def test_what_the_chart_assumes_of_settings_left_out_is_so(chart: Chart) -> None:
    claim, job, mail = (Settings.model_fields[f"{name}_seconds"].default for name in ("claim", "job", "mail_timeout"))
    patient = ("worker.terminationGracePeriodSeconds=900", f"provider.timeoutSeconds={job}")
    refused = chart.refusal(*patient)
    assert f"settings.claimSeconds ({claim}) must be above provider.timeoutSeconds ({job})" in refused
    refused = chart.refusal(*patient, "settings.claimSeconds=800")
    assert f"settings.jobSeconds ({job}) must be above provider.timeoutSeconds ({job})" in refused
    refused = chart.refusal("provider.timeoutSeconds=1", f"settings.claimSeconds={mail}")
    assert f"settings.claimSeconds ({mail}) must be above settings.mailTimeoutSeconds ({mail})" in refused


def test_the_service_takes_the_times_that_the_chart_takes(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the chart refuses the next ones: the margin after the last request is the same in both."""
    shortest = int(8 + 10 + SHUTDOWN_MARGIN_SECONDS) + 1
    chart.refusal(f"api.gracefulTimeoutSeconds={shortest - 1}")
    environment = chart.render(f"api.gracefulTimeoutSeconds={shortest}").environment("shop-binnacle-api")
    assert service(monkeypatch, environment).graceful_timeout_seconds == shortest


def test_hosts_come_from_service_ingress_and_route(chart: Chart) -> None:
    hosts = chart.render(
        "api.allowedHosts={internal.example.com}",
        "ingress.enabled=true",
        "ingress.hosts={shop.example.com,*.shop.example.com}",
        "httpRoute.enabled=true",
        "httpRoute.hostnames={shop.example.com,shop.example.org}",
        "httpRoute.parentRefs[0].name=public",
    ).environment("shop-binnacle-api")["ALLOWED_HOSTS"]
    outside = ["shop.example.com", "*.shop.example.com", "shop.example.org", "internal.example.com"]
    assert hosts.split(",")[-4:] == outside


def test_hosts_of_what_is_off_are_not_answered(chart: Chart) -> None:
    hosts = chart.render("ingress.hosts={a.example.com}", "httpRoute.hostnames={b.example.com}")
    assert "example.com" not in hosts.environment("shop-binnacle-api")["ALLOWED_HOSTS"]
