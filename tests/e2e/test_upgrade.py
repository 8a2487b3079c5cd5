"""From 0.1.0 to this version and back, under load, over a real migration, after three upgrades that can't work.

0.1.0 is the image of E2E_PREVIOUS_IMAGE and the chart of the same commit. What can't work leaves the old pods to serve,
and `kubectl` tells the cause: an image that can't be pulled, a migration that fails (somebody has added its column by
hand), a key that is too short.
"""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Failed, Namespace, eventually, say
from tests.e2e.ledger import Ledger
from tests.e2e.load import BEHIND_PROXY, LoadTest, on_a_machine_with_time, running
from tests.e2e.release import Release, ready

pytestmark = pytest.mark.timed

ROOT = Path(__file__).parents[2]
OURS = ("api", "worker", "reconciler")
ADD_BY_HAND = "alter table outbox add column tracestate varchar(512) not null default ''"
DROP_BY_HAND = "alter table outbox drop column tracestate"
FIRST = 1
SHORT_NAME = "short"
SHORT = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": SHORT_NAME},
    "stringData": {"secret_key": "too short a key"},
}
SCHEMA = "select version_num from alembic_version"
ORDERS = "select id from orders"


@dataclass(frozen=True)
class Stand:
    """How things are at one moment."""

    images: frozenset[str]
    schema: str
    secret: Mapping[str, str]
    orders: frozenset[str]


@dataclass(frozen=True)
class Broken:
    """An upgrade that can't work: what `kubectl` said of its new pods, and which of the old ones were ready then."""

    told: str
    served: frozenset[str]


@dataclass(frozen=True)
class Upgrade:
    """What the load measured; how things stood at 0.1.0, after the upgrade and after the rollback."""

    broken: Mapping[str, Broken]
    measured: Mapping[str, Any]
    disagreements: Sequence[str]
    before: Stand
    upgraded: Stand
    rolled_back: Stand


@pytest.fixture(scope="module")
def previous_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previous") / "tree"
    unpacked = subprocess.run(
        [str(ROOT / "scripts/previous.sh"), str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    if unpacked.returncode:
        pytest.fail(unpacked.stderr.strip(), pytrace=False)
    say(f"0.1.0 is of the commit {unpacked.stdout.strip()}")
    return folder / "helm/binnacle"


@pytest.fixture(scope="module")
def upgrade(
    spare_namespaces: Callable[[str], Namespace],
    previous_chart: Path,
    previous_image: str,
    image: str,
    load_image: str,
) -> Upgrade:
    made: list[Namespace] = []

    def drill() -> Upgrade:
        """In a new namespace, since the schema does not go back."""
        for namespace in made:
            namespace.delete("namespace", namespace.name)
        made.append(spare_namespaces(f"upgrade-{len(made) + 1}"))
        previous = Release(made[-1], previous_image, chart=previous_chart)
        return _drill(previous, Release(made[-1], image), load_image)

    return on_a_machine_with_time(drill)


def _drill(previous: Release, release: Release, load_image: str) -> Upgrade:
    previous.install(BEHIND_PROXY)
    assert "Succeeded" in previous.test()
    before, ledger = _stand(release), Ledger(release)
    test = LoadTest(load_image, release.address)
    with running(release.namespace, test) as load:
        load.until(5)
        release.namespace.apply(SHORT)
        broken = {
            "image": _break(release, "Failed to pull image", image="binnacle:no-such-version"),
            "migration": _break_migration(release),
            # Last: `migrate` has no use for the key, so it migrates before the API refuses it.
            "secret": _break(release, "SECRET_KEY", {"secretKey.existingSecret": SHORT_NAME}),
        }
        release.upgrade(BEHIND_PROXY)
        release.await_rollout(OURS, within=90)
        upgraded = _stand(release)
        say(f"rolled back after {release.roll_back(FIRST):.1f} s")
        release.await_rollout(OURS, within=90)
        release.await_pods("api", 2, within=60)
        rolled_back = _stand(release)
        measured = load.end()
    disagreements = ledger.disagreements(measured)
    # Places an order that is not the load's.
    assert "Succeeded" in previous.test()
    return Upgrade(broken, measured, disagreements, before, upgraded, rolled_back)


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("image", "binnacle:no-such-version"),
        ("migration", 'column "tracestate" of relation "outbox" already exists'),
        ("secret", "SECRET_KEY: must be 32 bytes or more"),
    ],
)
def test_an_upgrade_that_cannot_work_tells_the_cause(upgrade: Upgrade, what: str, cause: str) -> None:
    assert cause in upgrade.broken[what].told


@pytest.mark.parametrize("what", ["image", "migration", "secret"])
def test_the_old_pods_serve_on(upgrade: Upgrade, what: str) -> None:
    assert len(upgrade.broken[what].served) == 2


def test_no_request_fails(upgrade: Upgrade) -> None:
    assert upgrade.measured["failed"] == []


def test_no_order_is_lost_and_each_paid_one_was_charged_once(upgrade: Upgrade) -> None:
    assert upgrade.measured["orders"]
    assert upgrade.disagreements == []


def test_the_application_was_another_and_is_the_first_again(upgrade: Upgrade, image: str, previous_image: str) -> None:
    assert upgrade.before.images == {previous_image}
    assert upgrade.upgraded.images == {image}
    assert upgrade.rolled_back.images == {previous_image}


def test_a_migration_lay_between_them(upgrade: Upgrade) -> None:
    assert upgrade.upgraded.schema > upgrade.before.schema
    assert upgrade.rolled_back.schema == upgrade.upgraded.schema, "a rollback leaves the newer schema"


def test_generated_secrets_are_the_same(upgrade: Upgrade) -> None:
    assert upgrade.before.secret
    kept = {key: value for key, value in upgrade.before.secret.items() if key != "valkey_auth.conf"}  # no longer used
    assert kept.items() <= upgrade.upgraded.secret.items()
    assert upgrade.before.secret == upgrade.rolled_back.secret


def test_the_data_is_kept(upgrade: Upgrade) -> None:
    assert upgrade.before.orders
    assert upgrade.before.orders < upgrade.upgraded.orders < upgrade.rolled_back.orders


def _break(release: Release, seen: str, values: Mapping[str, str] | None = None, *, image: str = "") -> Broken:
    """Upgrade until `kubectl` says, in words that match `seen`, why it can't work."""
    old = release.names("api")
    release.upgrade({**BEHIND_PROXY, **(values or {})}, image=image, wait=False)
    told = eventually(lambda: _told(release, seen), within=150, what=f"kubectl says {seen}")
    say(f"kubectl says: {told}")
    return Broken(told, release.ready_names("api") & old)


def _break_migration(release: Release) -> Broken:
    """Add by hand what the migration adds, and take both back: a pod that still tried would get through without it."""
    release.query(ADD_BY_HAND)
    broken = _break(release, "already exists")
    release.roll_back(FIRST)
    release.await_pods("api", 2, within=60)
    release.query(DROP_BY_HAND)
    return broken


def _told(release: Release, seen: str) -> str:
    """The first line about pods that are not ready, in events, their description or their logs, that matches."""
    namespace = release.namespace
    lines = namespace.kubectl("get", "events", "--field-selector=type=Warning").out.splitlines()
    for pod in release.pods("api"):
        if not ready(pod) and "deletionTimestamp" not in pod["metadata"]:
            containers = [each["name"] for each in (*pod["spec"]["initContainers"], *pod["spec"]["containers"])]
            logs = [("logs", "--tail=50", f"--container={container}") for container in containers]
            for command in (("describe", "pod"), *logs):
                with suppress(Failed):  # a container without logs yet
                    lines += namespace.kubectl(*command, pod["metadata"]["name"]).out.splitlines()
    return next((line.strip() for line in lines if re.search(seen, line)), "")


def _stand(release: Release) -> Stand:
    deployments = release.namespace.objects("deployments", f"app.kubernetes.io/instance={release.name}")
    return Stand(
        images=frozenset(
            container["image"]
            for deployment in deployments
            for container in deployment["spec"]["template"]["spec"]["containers"]
        ),
        schema=release.query(SCHEMA),
        secret=release.secret(),
        orders=frozenset(release.query(ORDERS).split()),
    )
