"""Production refuses unsafe settings, all in one message."""

import re
from pathlib import Path

import pytest

from app.settings import SettingsError, read

KEY = "3f9c51d07ae84b268d15e0a97c42f6b3"
SAFE = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://binnacle@db/binnacle",
    "REDIS_URL": "redis://cache:6379/0",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "shop.example.com",
    "PROVIDER_URL": "https://payments.example.com",
    "MAIL_URL": "https://mail.example.com",
    "CORS_ORIGINS": "https://shop.example.com",
}


def _refused(monkeypatch: pytest.MonkeyPatch, folder: Path, variables: dict[str, str]) -> list[str]:
    """The names of the refused settings, in the order of the message."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    message = ""
    try:
        read()
    except SettingsError as refusal:
        message = str(refusal)
    for secret in (variables.get("SECRET_KEY"), variables.get("DATABASE_URL")):
        assert not secret or secret not in message
    return [line.split(":")[0] for line in message.splitlines()]


def test_safe_settings_start_in_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert _refused(monkeypatch, tmp_path, SAFE) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", KEY[:31]),
        ("SECRET_KEY", "changeme" * 4),
        ("SECRET_KEY", "change-me-change-me-change-me-please"),
        ("SECRET_KEY", "<CHANGE_ME>-at-least-thirty-two-bytes"),
        ("SECRET_KEY", "a very secret key of thirty-two bytes"),
        ("SECRET_KEY", "S3cr3t-EXAMPLE-key-for-documentation!"),
        ("SECRET_KEY", "your-key-here-with-thirty-two-bytes.."),
        ("SECRET_KEY", "0" * 64),
        ("SECRET_KEY", "0123456" * 5),
        ("ADMIN_TOKEN", KEY[:31]),
        ("ADMIN_TOKEN", "changeme" * 4),
        ("LOG_FORMAT", "console"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "shop.example.com,*"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://shop.example.com, *"),
        ("PROVIDER_URL", "http://binnacle-sandbox:8001"),
        ("PROVIDER_URL", "http://127.0.0.1:8001"),
        ("PROVIDER_URL", "http://[::1]:8001"),
        ("MAIL_URL", "http://binnacle-sandbox:8001"),
        ("GRACEFUL_TIMEOUT_SECONDS", "19"),
    ],
)
def test_each_unsafe_value_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    assert set(_refused(monkeypatch, tmp_path, SAFE | {name: value})) == {name}


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "PROVIDER_URL"])
def test_each_missing_setting_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str) -> None:
    rest = {name: value for name, value in SAFE.items() if name != missing}
    assert missing in _refused(monkeypatch, tmp_path, rest)


def test_all_refusals_are_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "changeme",
        "CORS_ORIGINS": "*",
        "GRACEFUL_TIMEOUT_SECONDS": "1",
    }
    assert set(_refused(monkeypatch, tmp_path, wrong)) >= {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "CORS_ORIGINS",
        "PROVIDER_URL",
        "GRACEFUL_TIMEOUT_SECONDS",
    }


@pytest.mark.parametrize("origin", ["shop.example.com", "https://shop.example.com/", "https://*.example.com", "null"])
def test_an_invalid_origin_is_refused_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origin: str) -> None:
    assert _refused(monkeypatch, tmp_path, {"CORS_ORIGINS": origin}) == ["CORS_ORIGINS"]


def test_a_demo_may_use_unsafe_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    demo = {"ENVIRONMENT": "demo", "ALLOWED_HOSTS": "*", "CORS_ORIGINS": "*", "PROVIDER_URL": "http://sandbox:8001"}
    assert _refused(monkeypatch, tmp_path, SAFE | demo) == []


def test_generated_keys_are_no_placeholders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in ("9a4c51e07bd83f266c0f1b27d3958ae4", "q2VtNDBkZjVhYmM5ZTc4OTAxMjM0NTY3ODkwYWJjZGU="):
        assert re.fullmatch(r"\S{32,}", key)
        assert _refused(monkeypatch, tmp_path, SAFE | {"SECRET_KEY": key}) == []
