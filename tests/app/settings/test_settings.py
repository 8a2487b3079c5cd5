"""Settings: their sources, and refused starts that list every error and no secret."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.settings import Settings, SettingsError, read

SECRET = "hunter2hunter2"
KEY = "3f9c51d07ae84b268d15e0a97c42f6b3"
STORES = {
    "DATABASE_URL": f"postgresql://binnacle:{SECRET}@db/binnacle",
    "REDIS_URL": f"redis://:{SECRET}@cache:6379/0",
    "SECRET_KEY": KEY,
}
PRODUCTION = {
    **STORES,
    "ENVIRONMENT": "production",
    "ALLOWED_HOSTS": "shop.example.com",
    "PROVIDER_URL": "https://payments.example.com",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECRETS_DIR", raising=False)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads the settings of an environment with these variables."""

    def with_variables(variables: dict[str, str]) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read()

    return with_variables


def _refusal(start: Any, variables: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refusal:
        start(variables)
    return str(refusal.value)


def test_the_defaults_are_an_embedded_shop(start: Any) -> None:
    settings = start({})
    assert settings.environment == "local"
    assert settings.embedded
    assert settings.sqlite_dsn == "sqlite+aiosqlite:///var/binnacle.db"
    assert settings.database_server is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)


def test_a_distributed_shop_in_production(start: Any) -> None:
    settings = start(PRODUCTION | {"WEB_CONCURRENCY": "4", "TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1"})
    assert not settings.embedded
    assert settings.allowed_hosts == ["shop.example.com"]
    assert settings.trusted_proxies == [ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32")]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": f"u:{SECRET}@h/d"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": f"{SECRET}://"}, ["DATABASE_URL"]),
        (STORES | {"REDIS_URL": f"amqp://u:{SECRET}@h"}, ["REDIS_URL"]),
        (STORES | {"REDIS_URL": f":{SECRET}\u2100@cache"}, ["REDIS_URL"]),
        (STORES | {"REDIS_URL": f"redis//[:{SECRET}"}, ["REDIS_URL"]),
        ({"REDIS_URL": STORES["REDIS_URL"]}, ["REDIS_URL", "DATABASE_URL"]),
        (STORES | {"DATABASE_URL": "sqlite:///shop.db"}, ["REDIS_URL", "DATABASE_URL"]),
        ({"SECRET_KEY": SECRET}, ["SECRET_KEY", "32"]),
        ({"SECRET_KEY": "\u00fc" * 15}, ["SECRET_KEY"]),
        ({"WEB_CONCURRENCY": "2"}, ["WEB_CONCURRENCY", "DATABASE_URL", "REDIS_URL"]),
        ({"WEB_CONCURRENCY": "2", "DATABASE_URL": STORES["DATABASE_URL"]}, ["WEB_CONCURRENCY", "REDIS_URL"]),
        ({"GRACEFUL_TIMEOUT_SECONDS": "21.9"}, ["GRACEFUL_TIMEOUT_SECONDS", "22"]),
        ({"DRAIN_SECONDS": "20"}, ["GRACEFUL_TIMEOUT_SECONDS", "34"]),
        ({"CLAIM_SECONDS": "5"}, ["CLAIM_SECONDS", "PROVIDER_TIMEOUT_SECONDS"]),
        ({"CLAIM_SECONDS": "6", "MAIL_TIMEOUT_SECONDS": "6"}, ["CLAIM_SECONDS", "MAIL_TIMEOUT_SECONDS"]),
        ({"JOB_SECONDS": "5"}, ["JOB_SECONDS", "PROVIDER_TIMEOUT_SECONDS"]),
        ({"MAIL_FROM": "shop"}, ["MAIL_FROM"]),
        ({"MAIL_URL": "mail.example.com"}, ["MAIL_URL", "http://"]),
        ({"ENVIRONMENT": "staging"}, ["ENVIRONMENT"]),
        ({"PORT": "70000"}, ["PORT"]),
        ({"PORT": "http"}, ["PORT"]),
        ({"LOG_LEVEL": "loud"}, ["LOG_LEVEL"]),
        ({"TRACES_SAMPLE_RATIO": "1.1"}, ["TRACES_SAMPLE_RATIO"]),
        ({"TRACES_SAMPLE_RATIO": "nan"}, ["TRACES_SAMPLE_RATIO"]),
        ({"DRAIN_SECONDS": "-1"}, ["DRAIN_SECONDS"]),
        ({"ACCESS_TOKEN_SECONDS": "59"}, ["ACCESS_TOKEN_SECONDS"]),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,everybody"}, ["TRUSTED_PROXIES"]),
        ({"TRUSTED_PROXIES": "*"}, ["TRUSTED_PROXIES"]),
        ({"ENVIRONMENT": "demo"}, ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "demo"]),
        ({"ENVIRONMENT": "production"}, ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS"]),
        (PRODUCTION | {"ALLOWED_HOSTS": "shop.example.com,*"}, ["ALLOWED_HOSTS"]),
        (PRODUCTION | {"PROVIDER_URL": "http://binnacle-sandbox:8001"}, ["PROVIDER_URL", "sandbox"]),
        (PRODUCTION | {"PROVIDER_URL": "binnacle-sandbox:8001"}, ["PROVIDER_URL"]),
        (PRODUCTION | {"MAIL_URL": "http://binnacle-sandbox:8001"}, ["MAIL_URL", "sandbox"]),
        ({"PROVIDER_URL": "payments.example.com"}, ["PROVIDER_URL", "http://"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://"]),
        ({"SENTRY_DSN": f"{SECRET}"}, ["SENTRY_DSN"]),
    ],
)
def test_a_refused_start_names_the_setting_and_repeats_no_secret(
    start: Any, variables: dict[str, str], named: list[str]
) -> None:
    message = _refusal(start, variables)
    for name in named:
        assert name in message
    assert SECRET not in message


def test_all_errors_are_listed_a_line_each(start: Any) -> None:
    message = _refusal(start, {"SECRET_KEY": SECRET, "GRACEFUL_TIMEOUT_SECONDS": "1", "WEB_CONCURRENCY": "2"})
    assert [line.split(":")[0] for line in message.splitlines()] == [
        "SECRET_KEY",
        "GRACEFUL_TIMEOUT_SECONDS",
        "WEB_CONCURRENCY",
    ]


def test_secrets_are_read_from_files_and_the_environment_takes_precedence(start: Any, tmp_path: Path) -> None:
    files = {"database_url": STORES["DATABASE_URL"], "redis_url": STORES["REDIS_URL"], "secret_key": "f" * 32}
    for name, content in files.items():
        (tmp_path / name).write_text(f"{content}\n")
    settings = start({"SECRETS_DIR": str(tmp_path), "SECRET_KEY": KEY})
    assert settings.database_url.get_secret_value() == STORES["DATABASE_URL"]
    assert settings.redis_url.get_secret_value() == STORES["REDIS_URL"]
    assert settings.secret_key.get_secret_value() == KEY


def test_a_missing_secrets_directory_is_refused(start: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("missing", "file"):
        assert "SECRETS_DIR" in _refusal(start, {"SECRETS_DIR": str(tmp_path / folder)})


def test_settings_show_no_secret_and_are_immutable(start: Any) -> None:
    settings = start(STORES | {"SENTRY_DSN": f"https://{SECRET}@sentry.example.com/1"})
    assert SECRET not in f"{settings!r} {settings}"
    assert KEY not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_the_command_line_exits_with_2_and_the_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "http")
    assert main(["openapi"]) == 2
    assert "PORT" in capsys.readouterr().err
    monkeypatch.delenv("PORT")
    for command in ("worker", "reconciler"):
        assert main([command]) == 2
        assert "REDIS_URL" in capsys.readouterr().err
