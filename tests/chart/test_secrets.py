"""Secrets are files, generated once or the operator's own."""

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.settings.secret_readers import READERS, unread

from .rendering import PRODUCTION, Chart, Manifest, Rendering, containers

OWN = (
    "database.existingSecret=pg-app",
    "database.key=uri",
    "redis.existingSecret=cache",
    "sentry.existingSecret=errors",
    "networkPolicy.egress.sentry[0].cidr=192.0.2.0/24",
)


def generated(rendering: Rendering, name: str = "shop-binnacle") -> dict[str, str]:
    secret = rendering.get("Secret", name)
    return {key: b64decode(value).decode() for key, value in secret["data"].items()}


def files(rendering: Rendering, name: str, container: str | None = None) -> dict[str, tuple[str, str]]:
    """Secret and key behind each file in the secrets folder of a container; the process without one named."""
    mounts = rendering.container(name, container)["volumeMounts"]
    (mounted,) = [each["name"] for each in mounts if each["mountPath"] == "/run/secrets/binnacle"]
    volumes: list[dict[str, Any]] = dict(rendering.pods())[name]["volumes"]
    (volume,) = [each for each in volumes if each["name"] == mounted]
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    return {item["path"]: (source["name"], item["key"]) for source in sources for item in source["items"]}


def test_the_generated_urls_carry_the_generated_passwords(demo: Rendering) -> None:
    secret = generated(demo)
    database, redis = urlsplit(secret["database_url"]), urlsplit(secret["redis_url"])
    application = urlsplit(secret["database_application_url"])
    assert (application.hostname, application.path) == (database.hostname, database.path)
    assert (application.username, application.password) == ("binnacle_app", secret["application_password"])
    assert (database.hostname, database.port, database.username) == ("shop-binnacle-postgresql", 5432, "binnacle")
    assert (redis.hostname, redis.port) == ("shop-binnacle-valkey", 6379)
    assert database.password == secret["postgres_password"]
    assert redis.password == secret["valkey_password"]


def test_generated_secrets_are_long_and_differ_between_installs(chart: Chart, demo: Rendering) -> None:
    first, second = generated(demo), generated(chart.render(release="store"), "store-binnacle")
    assert len(first["secret_key"]) == 64
    for key in ("secret_key", "postgres_password", "application_password", "valkey_password"):
        assert len(first[key]) >= 32
        assert first[key] != second[key]


@pytest.mark.parametrize("values", [(), PRODUCTION], ids=["demo", "production"])
def test_no_variable_holds_or_fetches_a_secret(chart: Chart, values: tuple[str, ...]) -> None:
    rendering = chart.render(*values)
    secrets = {
        value for each in rendering.objects if each["kind"] == "Secret" for value in generated(rendering).values()
    }
    for name, pod in rendering.pods():
        for container in containers(pod):
            assert "envFrom" not in container, name
            for variable in container.get("env", []):
                assert "secretKeyRef" not in variable.get("valueFrom", {}), (name, variable)
                assert variable.get("value") not in secrets, (name, variable["name"])
            words = " ".join([*container.get("command", []), *container.get("args", [])])
            assert not any(secret in words for secret in secrets), name


def test_each_container_has_the_secrets_that_its_command_reads_and_no_other(chart: Chart) -> None:
    keys = ("provider.apiKey", "mail.apiKey", "mail.password", "proxy", "adminToken")
    own = (*(f"{key}.existingSecret=own" for key in keys), *OWN[-2:])
    rendering = chart.render(*own)
    for component in ("api", "worker", "reconciler"):
        name = f"shop-binnacle-{component}"
        for container in containers(dict(rendering.pods())[name]):
            (mount,) = [each for each in container["volumeMounts"] if each["name"].endswith("secrets")]
            assert mount["readOnly"] is True
            assert mount["mountPath"] == rendering.environment(name, container["name"])["SECRETS_DIR"]
            read = READERS.keys() - set(unread(container["args"][0]))
            if "--wait" in container["args"]:  # it changes nothing
                read -= {"database_application_url"}
            assert files(rendering, name, container["name"]).keys() == read, (name, container["name"])


def test_the_api_alone_has_the_signing_key(demo: Rendering) -> None:
    holders = {
        (name, container["name"])
        for name, pod in demo.pods()
        for container in containers(pod)
        for mount in container["volumeMounts"]
        for volume in pod["volumes"]
        if volume["name"] == mount["name"] and "secret_key" in str(volume)
    }
    assert holders == {("shop-binnacle-api", "api")}


def test_existing_secrets_are_mounted_under_the_same_names(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION, *OWN, "secretKey.existingSecret=signing", "secretKey.key=current")
    assert rendering.names("Secret") == set()
    assert files(rendering, "shop-binnacle-api") == {
        "secret_key": ("signing", "current"),
        "database_url": ("pg-app", "uri"),
        "redis_url": ("cache", "redis_url"),
        "sentry_dsn": ("errors", "sentry_dsn"),
    }


def test_the_keys_of_providers_are_files_where_there_are_any(chart: Chart) -> None:
    keys = ("provider.apiKey.existingSecret=acquirer", "mail.apiKey.existingSecret=post", "mail.apiKey.key=token")
    rendering = chart.render(*PRODUCTION, *keys)
    api, worker = (files(rendering, f"shop-binnacle-{component}") for component in ("api", "worker"))
    assert api["provider_api_key"] == worker["provider_api_key"] == ("acquirer", "provider_api_key")
    assert worker["mail_api_key"] == ("post", "token")


def test_only_the_missing_key_is_generated(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION, "secretKey.existingSecret=", "generateSecrets=always")
    assert generated(rendering).keys() == {"secret_key"}


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ((*PRODUCTION, "secretKey.existingSecret="), "secretKey.existingSecret must name"),
        ((*PRODUCTION, "secretKey.existingSecret=", "generateSecrets=never"), "secretKey.existingSecret must name"),
        (
            ("generateSecrets=never",),
            "secretKey.existingSecret and postgresql.existingSecret and valkey.existingSecret must name",
        ),
        (
            (
                "generateSecrets=never",
                "secretKey.existingSecret=a",
                "database.existingSecret=a",
                "postgresql.existingSecret=a",
            ),
            "valkey.existingSecret must name",
        ),
    ],
)
def test_secrets_that_must_exist_are_demanded(chart: Chart, values: tuple[str, ...], missing: str) -> None:
    assert missing in chart.refusal(*values)


def test_sandbox_and_test_pod_have_no_secret_of_the_shop(demo: Rendering) -> None:
    pods = dict(demo.pods())
    for name in ("shop-binnacle-sandbox", "shop-binnacle-smoke"):
        assert not any(volume.keys() & {"secret", "projected"} for volume in pods[name]["volumes"])


@pytest.mark.parametrize(
    ("component", "keys"),
    [("postgresql", {"postgres_password"}), ("valkey", {"valkey_password"})],
)
def test_a_store_sees_its_own_password_alone(demo: Rendering, component: str, keys: set[str]) -> None:
    volumes: list[Manifest] = dict(demo.pods())[f"shop-binnacle-{component}"]["volumes"]
    (secret,) = [volume["secret"] for volume in volumes if "secret" in volume]
    assert {item["key"] for item in secret["items"]} == keys


def test_the_bundled_stores_take_passwords_of_the_operator(chart: Chart) -> None:
    rendering = chart.render(
        "postgresql.existingSecret=pg",
        "postgresql.key=word",
        "database.existingSecret=urls",
        "valkey.existingSecret=vk",
        "redis.existingSecret=urls",
    )
    assert generated(rendering).keys() == {"secret_key"}
    pods = dict(rendering.pods())
    for store, secret, key in (("postgresql", "pg", "word"), ("valkey", "vk", "valkey_password")):
        (volume,) = [each["secret"] for each in pods[f"shop-binnacle-{store}"]["volumes"] if "secret" in each]
        assert (volume["secretName"], volume["items"]) == (secret, [{"key": key, "path": "password"}])
    assert files(rendering, "shop-binnacle-api")["database_url"] == ("urls", "database_url")


def test_the_processes_have_no_superusers_url_and_migrations_make_their_role(demo: Rendering) -> None:
    application = ("shop-binnacle", "database_application_url")
    for component in ("api", "worker", "reconciler"):
        assert files(demo, f"shop-binnacle-{component}")["database_url"] == application
    assert files(demo, "shop-binnacle-api", "seed") == {"database_url": application}
    assert files(demo, "shop-binnacle-worker", "wait-for-schema") == {"database_url": application}
    assert files(demo, "shop-binnacle-api", "migrate") == {
        "database_url": ("shop-binnacle", "database_url"),
        "database_application_url": application,
    }


def test_migrations_may_have_a_database_user_of_their_own(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION, "migrations.existingSecret=owner", "migrations.key=uri")
    pod = dict(rendering.pods())["shop-binnacle-api"]
    read = {
        container["name"]: mount["name"]
        for container in containers(pod)
        for mount in container["volumeMounts"]
        if mount["mountPath"] == "/run/secrets/binnacle"
    }
    assert read == {"migrate": "migration-secrets", "api": "secrets"}
    assert files(rendering, "shop-binnacle-api", "migrate") == {"database_url": ("owner", "uri")}
    for other in ("worker", "reconciler"):
        assert "owner" not in str(dict(rendering.pods())[f"shop-binnacle-{other}"])


def test_pods_roll_with_the_keys_that_they_read(chart: Chart, demo: Rendering) -> None:
    def annotations(rendering: Rendering, kind: str, component: str) -> dict[str, str]:
        metadata = rendering.get(kind, f"shop-binnacle-{component}")["spec"]["template"]["metadata"]
        found: dict[str, str] = metadata.get("annotations", {})
        return found

    for component in ("api", "worker", "reconciler"):
        read = {key: generated(demo)[key] for _, key in files(demo, f"shop-binnacle-{component}").values()}
        checksum = sha256(json.dumps(read, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        assert annotations(demo, "Deployment", component) == {"checksum/secret": checksum}
    # A restart would give the store no other password.
    assert annotations(demo, "StatefulSet", "postgresql") == {}
    own = chart.render(*PRODUCTION, *OWN, "secretKey.existingSecret=signing")
    assert annotations(own, "Deployment", "api") == {}


def test_the_secret_is_kept_as_long_as_the_data_that_needs_it(chart: Chart, demo: Rendering) -> None:
    kept = demo.get("Secret", "shop-binnacle")["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep"}
    fleeting = chart.render("postgresql.persistence.enabled=false").get("Secret", "shop-binnacle")["metadata"]
    assert "annotations" not in fleeting
