"""Each process requires the secrets that it uses, and holds no others."""

from typing import Any, get_args

import pytest
from pydantic import SecretStr

from app.cli import COMMANDS
from app.settings import Settings, SettingsError, read
from app.settings.secret_readers import READERS

SECRETS = {
    "secret_key": "3f9c51d07ae84b268d15e0a97c42f6b3",
    "admin_token": "7d20c6a4e9f81b35a8d24c6f09b7e153",
    "database_url": "postgresql://user:word@db/shop",
    "database_application_url": "postgresql://app:word@db/shop",
    "redis_url": "redis://:word@cache",
    "sentry_dsn": "https://key@errors.example.com/1",
    "provider_api_key": "pk-4f0c",
    "mail_api_key": "mk-81d2",
    "mail_password": "word",
    "https_proxy": "http://user:word@proxy:3128",
}
PRODUCTION = {
    "environment": "production",
    "allowed_hosts": ["shop.example.com"],
    "provider_url": "https://payments.example.com",
    "mail_from": "shop@example.com",
}
STORES = ("database_url", "redis_url")
NEEDED = {
    "serve": {"secret_key", *STORES},
    "worker": {*STORES},
    "reconciler": {*STORES},
    "migrate": {"database_url"},
    "seed": {"database_url"},
    "promote": {"database_url"},
}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads a command's settings in production from an environment with some of SECRETS."""

    def read_with(command: str, *names: str, **others: Any) -> Settings:
        for name in names:
            monkeypatch.setenv(name, SECRETS[name])
        return read(command, _env_file=None, **PRODUCTION, **others)

    return read_with


def test_the_readers_of_each_secret_are_commands() -> None:
    secret = {name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)}
    assert READERS.keys() == secret == SECRETS.keys()
    assert frozenset().union(*READERS.values()) <= {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", NEEDED)
def test_a_command_starts_in_production_with_its_own_secrets(production: Any, command: str) -> None:
    settings = production(command, *NEEDED[command])
    assert {name for name in SECRETS if getattr(settings, name) is not None} == NEEDED[command]


@pytest.mark.parametrize("command", NEEDED)
def test_a_command_names_its_missing_secrets_and_no_others(production: Any, command: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        production(command)
    named = {line.partition(":")[0].lower() for line in str(refusal.value).splitlines()}
    assert named == NEEDED[command]


@pytest.mark.parametrize(
    ("mail", "absent"),
    [
        ({"mail_url": "https://mail.example.com"}, "mail_password"),
        ({"mail_url": "smtp://mail.example.com:587", "mail_user": "shop"}, "mail_api_key"),
    ],
    ids=["mail by HTTP", "mail by SMTP"],
)
@pytest.mark.parametrize("command", NEEDED)
def test_a_command_holds_no_secret_of_another(production: Any, command: str, mail: dict[str, str], absent: str) -> None:
    settings = production(command, *(SECRETS.keys() - {absent}), **mail)
    held = {name for name in SECRETS if getattr(settings, name) is not None}
    assert held == {name for name, readers in READERS.items() if command in readers} - {absent}
    if command != "serve":
        assert "secret_key" not in held


def test_a_weak_key_is_refused_by_its_readers_only(production: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 2)
    production("worker", *STORES)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        production("serve", *STORES)


def test_migrations_run_in_the_environment_of_the_api(production: Any) -> None:
    assert production("migrate", "database_url", web_concurrency=4).redis_url is None
