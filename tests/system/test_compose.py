"""compose.yaml is valid, restricted, and consistent with the service, the chart and nginx."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
import yaml

from app.cli import COMMANDS
from app.settings import Settings, read
from app.settings.secret_readers import unread
from tests.support.ports import free_port
from tests.support.servers import own_redis
from tests.system.composition import FAULTS, OURS, awaits, claims, faults, is_long_running, load, seconds
from tests.system.proxy import make_secrets

ROOT = Path(__file__).parent.parent.parent
SERVICES = load(ROOT)["services"]
BINNACLE = {name: service for name, service in SERVICES.items() if service["image"] == OURS}
WITH_SECRETS = {name for name, service in BINNACLE.items() if "secrets" in service}


def _validated(file: Path) -> subprocess.CompletedProcess[str]:
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)


def test_it_is_valid_by_the_compose_specification(root: Path, tmp_path: Path) -> None:
    done = _validated(root / "compose.yaml")
    assert done.returncode == 0, done.stdout
    broken = load(root)
    broken["services"]["api"]["stop_grace_periode"] = "20s"
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(broken))
    refused = _validated(tmp_path / "compose.yaml")
    assert refused.returncode == 1
    assert "stop_grace_periode" in refused.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_restricted(name: str) -> None:
    assert faults(SERVICES[name]) == []


LOOSENED: dict[str, dict[str, Any]] = {
    "read_only": {"read_only": False},
    "capabilities": {"cap_add": ["NET_ADMIN"]},
    "security_opt": {"security_opt": ["seccomp:unconfined"]},
    "a numeric user other than root": {"user": "0:0"},
    "a missing or unbounded tmpfs": {"tmpfs": ["/run"]},
    "limits": {"deploy": {}},
    "access to the host": {"privileged": True},
    "a host path": {"volumes": ["/var/run/docker.sock:/docker.sock"]},
    "a port on all interfaces": {"ports": ["8000:8000"]},
    "an unpinned image": {"image": "nginx:latest"},
    "unbounded logs": {"logging": {}},
    "a secret in the environment": {"environment": {"DATABASE_URL": "postgresql://a:b@c/d"}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unrestricted_container_is_found(fault: str) -> None:
    assert faults({**SERVICES["api"], **LOOSENED[fault]}) == [fault]


OTHER = {
    "COMPOSE_PROJECT_NAME": "second",
    "HTTPS_PORT": "9443",
    "HTTP_PORT": "9080",
    "EDGE_NETWORK": "10.213.78",
}


def test_two_checkouts_share_no_resources_of_the_machine() -> None:
    """Uses the variables of docs/compose.md, each of which is needed."""
    first = claims(load(ROOT, {"COMPOSE_PROJECT_NAME": "first"}), "first")
    assert first & claims(load(ROOT, OTHER), "second") == set()
    for variable in OTHER:
        others = {name: value for name, value in OTHER.items() if name != variable}
        project = others.get("COMPOSE_PROJECT_NAME", "first")
        rest = {"COMPOSE_PROJECT_NAME": "first", **others}
        assert first & claims(load(ROOT, rest), project), variable
    exported = " ".join(f"{name}={value}" for name, value in OTHER.items())
    assert f"export {exported}\n" in (ROOT / "docs/compose.md").read_text()


def test_the_addresses_are_in_the_configured_network() -> None:
    document = load(ROOT, OTHER)
    nginx = document["services"]["nginx"]["networks"]["edge"]["ipv4_address"]
    assert document["services"]["api"]["environment"]["TRUSTED_PROXIES"] == f"{nginx}/32"
    assert {
        service["networks"]["edge"]["ipv4_address"][:10]
        for service in (document["services"][name] for name in ("nginx", "api"))
    } == {"10.213.78."}
    assert document["networks"]["edge"]["ipam"]["config"] == [{"subnet": "10.213.78.0/28"}]


def test_nginx_is_the_only_entry_point() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    reached = [name for name, service in SERVICES.items() if "edge" in service["networks"]]
    assert reached == ["nginx", "api"]
    assert load(ROOT)["networks"]["inside"] == {"internal": True}


def test_long_running_services_have_a_health_check_and_others_are_awaited() -> None:
    waits = [awaits(service) for service in SERVICES.values()]
    for name, service in SERVICES.items():
        asked = {wait[name] for wait in waits if name in wait}
        if is_long_running(service):
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert asked <= {"service_healthy"}, name
        else:
            assert asked == {"service_completed_successfully"}, name


def test_each_process_runs_a_command_that_exists() -> None:
    commands = {name: service["command"] for name, service in BINNACLE.items()}
    known = {command.name for command in COMMANDS}
    assert {words[0] for words in commands.values()} <= known
    assert {"serve", "worker", "reconciler", "migrate", "sandbox", "seed"} == {words[0] for words in commands.values()}
    assert [name for name in BINNACLE if "build" in BINNACLE[name]] == ["migrate"]


@pytest.mark.parametrize("name", BINNACLE)
def test_each_variable_is_a_setting(name: str) -> None:
    variables = {variable.lower() for variable in BINNACLE[name]["environment"]}
    assert variables - Settings.model_fields.keys() <= {"secrets_dir"}


@pytest.mark.parametrize("name", sorted(WITH_SECRETS))
def test_each_process_starts_with_its_settings(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = make_secrets(root, tmp_path)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for setting, secret in _mounted(name).items():
        assert setting in Settings.model_fields
        (mounted / setting).write_bytes((secrets / secret).read_bytes())
    for variable, value in BINNACLE[name]["environment"].items():
        monkeypatch.setenv(variable, str(value))
    monkeypatch.setenv("SECRETS_DIR", str(mounted))
    settings = read(BINNACLE[name]["command"][0], _env_file=None)
    assert settings.environment == "demo"
    assert settings.database_url is not None
    assert "@postgresql:5432/" in settings.database_url.get_secret_value()
    assert settings.provider_url == "http://sandbox:8001"


@pytest.mark.parametrize("name", BINNACLE)
def test_each_process_has_the_secrets_of_its_command_and_no_others(name: str) -> None:
    (command,) = BINNACLE[name]["command"]
    known = {"secret_key", "database_url", "database_application_url", "redis_url"}
    assert _mounted(name).keys() == known - set(unread(command))


def test_only_migrate_is_postgresqls_superuser(root: Path, tmp_path: Path) -> None:
    secrets = make_secrets(root, tmp_path)
    for name in WITH_SECRETS:
        url = (secrets / _mounted(name)["database_url"]).read_text()
        assert url.startswith(f"postgresql://{'binnacle' if name == 'migrate' else 'binnacle_app'}:"), name


def _mounted(name: str) -> dict[str, str]:
    """The secret behind each file of a container, by the file's name."""
    mounts = [
        {"source": each, "target": each} if isinstance(each, str) else each
        for each in SERVICES[name].get("secrets", [])
    ]
    return {mount["target"]: mount["source"] for mount in mounts}


def _environment(name: str) -> dict[str, str]:
    environment: dict[str, str] = SERVICES[name]["environment"]
    return environment


def _default(setting: str) -> float:
    return float(Settings.model_fields[setting].default)


def test_each_shutdown_timeout_is_shorter_than_the_next_outer_one() -> None:
    api = _environment("api")
    needed = float(api["DRAIN_SECONDS"]) + float(api["SHUTDOWN_SECONDS"]) + 2
    assert needed < float(api["GRACEFUL_TIMEOUT_SECONDS"]) < seconds(SERVICES["api"]["stop_grace_period"])
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > _default("provider_timeout_seconds")
    for name, service in SERVICES.items():
        assert not is_long_running(service) or "stop_grace_period" in service, name


def test_nginx_and_the_api_are_consistent() -> None:
    api, text = _environment("api"), (ROOT / "compose/nginx.conf").read_text()
    stated = re.findall(r"^\s*([a-z_]+) (\d+[sm]);", text, re.MULTILINE)
    times = {name: seconds(value) for name, value in reversed(stated)}  # the first of a name is the server block's
    (upstream,) = re.findall(r"upstream api \{.*?keepalive_timeout (\d+s);", text, re.DOTALL)
    assert seconds(upstream) < float(api["KEEP_ALIVE_SECONDS"])
    assert api["TRUSTED_PROXIES"] == f"{SERVICES['nginx']['networks']['edge']['ipv4_address']}/32"
    assert f"server api:{Settings.model_fields['port'].default};" in text
    # The API's statement timeout is shorter than nginx's timeout for the API.
    assert times["proxy_read_timeout"] > _default("database_statement_timeout_seconds")
    assert seconds(SERVICES["nginx"]["stop_grace_period"]) > times["worker_shutdown_timeout"]
    published = SERVICES["nginx"]["ports"][0].rsplit(":", 1)[1]
    assert f"listen {published} ssl" in text
    assert set(re.findall(r"/run/secrets/([\w.]+)", text)) == set(SERVICES["nginx"]["secrets"])


def test_the_stores_are_those_of_the_chart(root: Path) -> None:
    values = yaml.safe_load((root / "helm/binnacle/values.yaml").read_text())
    for name in ("postgresql", "valkey"):
        image = values[name]["image"]
        assert SERVICES[name]["image"].partition("@")[0] == f"{image['repository']}:{image['tag']}"


def test_secrets_are_created_once_and_private(root: Path, tmp_path: Path) -> None:
    folder = make_secrets(root, tmp_path)
    named = {Path(secret["file"]).name for secret in load(root)["secrets"].values()}
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert first.keys() - named == {"complete"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}, "containers have other users"
    make_secrets(root, tmp_path)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first
    (tmp_path / "other").mkdir()
    other = make_secrets(root, tmp_path / "other")
    assert [name for name in named if (other / name).read_bytes() == first[name]] == []
    ignored = subprocess.run(["git", "check-ignore", "compose/secrets/secret_key"], cwd=root, check=False)
    assert ignored.returncode == 0, "compose/secrets could be committed"


def _openssl(folder: Path, script: str) -> dict[str, str]:
    """An environment in which openssl is this script."""
    (folder / "bin").mkdir()
    (folder / "bin/openssl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin/openssl").chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            'case "$1" in req) echo "unknown option -addext" >&2; exit 1;; rand) echo 00ff;; *) exit 1;; esac',
            "unknown option -addext",
        ),
        ("exit 1", "openssl rand -hex 24 gave nothing"),
        ("exit 0", "openssl rand -hex 24 gave nothing"),
    ],
    ids=["old", "broken", "mute"],
)
def test_a_failing_openssl_is_reported_and_leaves_no_partial_files(
    root: Path, tmp_path: Path, script: str, message: str
) -> None:
    shutil.copy(root / "compose/secrets.sh", tmp_path)
    environment = _openssl(tmp_path, script)
    words = ["/bin/sh", str(tmp_path / "secrets.sh")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert "compose/secrets.sh: " in done.stderr
    assert not (tmp_path / "secrets/tls_certificate.pem").exists()
    assert [file.name for file in (tmp_path / "secrets").iterdir() if file.stat().st_size <= 1] == []


def test_a_missing_secret_is_named(root: Path, tmp_path: Path) -> None:
    (make_secrets(root, tmp_path) / "redis_url").unlink()
    words = ["/bin/sh", str(tmp_path / "secrets.sh")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "compose/secrets.sh: compose/secrets/redis_url is gone" in done.stderr


def test_the_queue_needs_its_password_except_for_the_health_check(root: Path, tmp_path: Path) -> None:
    secrets = make_secrets(root, tmp_path)
    password = (secrets / "redis_url").read_text().removeprefix("redis://:").partition("@")[0]
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    with own_redis(tmp_path, port, secrets / "valkey.conf"), redis_client.Redis.from_url(url) as server:
        with redis_client.Redis.from_url(url, password=password) as shop:
            assert shop.ping()
            shop.set("health", "value")
            with pytest.raises(redis_client.exceptions.NoPermissionError):
                shop.flushall()
            health = SERVICES["valkey"]["healthcheck"]["test"]
            user = health[health.index("--user") + 1]
            with redis_client.Redis.from_url(url, username=user, password="none") as check:
                assert check.ping()
                with pytest.raises(redis_client.exceptions.NoPermissionError):
                    check.get("key")
        with pytest.raises(redis_client.exceptions.AuthenticationError):
            server.ping()
