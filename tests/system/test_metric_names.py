"""Metrics of the running processes follow Prometheus's conventions and the inventory."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.infra.database import schema
from app.settings import read
from scripts.inventory.model import Inventory, Metric, load
from scripts.inventory.usage import family as family_of
from tests.support import loopback, servers
from tests.support.ports import free_port
from tests.support.processes import Processes
from tests.support.shops import prepare_stores
from tests.system.promtool import find_promtool

KINDS = ("api", "several apis", "worker", "reconciler", "embedded")


@dataclass(frozen=True)
class Exposed:
    """One exposition. `processes` are those whose metrics it has."""

    text: str
    processes: tuple[str, ...]
    summed: bool = False
    redis: bool = True

    def present(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Metric families and their label sets."""
        return {
            (family_of(sample.name), frozenset(pair for pair in sample.labels.items() if pair[0] != "le"))
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Exposed]:
    """The exposition of each process before any request but its probe."""
    folder = tmp_path_factory.mktemp("exposed")
    with (
        servers.postgresql() as postgresql,
        servers.redis(tmp_path_factory.mktemp("redis")) as redis,
        postgresql.database() as database_url,
        Processes(folder) as processes,
    ):
        stores = prepare_stores(database_url, servers.empty_redis_database(redis))
        schema.migrate(read(state_dir=processes.state_dir, _env_file=None))
        ports = {kind: free_port() for kind in KINDS}
        several = {"WEB_CONCURRENCY": 2, "MULTIPROCESS_DIR": folder / "shared", **stores}
        processes.api(ADMIN_PORT=ports["api"], **stores)
        processes.api(ADMIN_PORT=ports["several apis"], **several)
        processes.api(ADMIN_PORT=ports["embedded"])
        worker = processes.start("worker", ADMIN_PORT=ports["worker"], WORKER_CONCURRENCY=2, **stores)
        processes.await_answer(worker, f"http://127.0.0.1:{ports['worker']}", "/readyz")
        reconciler = processes.start("reconciler", ADMIN_PORT=ports["reconciler"], **stores)
        processes.await_answer(reconciler, f"http://127.0.0.1:{ports['reconciler']}", "/readyz")
        texts = {kind: loopback.get(f"http://127.0.0.1:{port}/metrics").text for kind, port in ports.items()}
    return {
        "api": Exposed(texts["api"], ("api",)),
        "several apis": Exposed(texts["several apis"], ("api",), summed=True),
        "worker": Exposed(texts["worker"], ("worker",), summed=True),
        "reconciler": Exposed(texts["reconciler"], ("reconciler",)),
        "embedded": Exposed(texts["embedded"], ("api", "worker", "reconciler"), redis=False),
    }


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load()


@pytest.mark.parametrize("kind", KINDS)
def test_promtool_accepts_names_and_units(exposed: Mapping[str, Exposed], kind: str) -> None:
    found = subprocess.run(
        [find_promtool(), "check", "metrics"],
        input=exposed[kind].text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_process_exposes_its_metrics_of_the_inventory_from_the_start(
    exposed: Mapping[str, Exposed], inventory: Inventory, kind: str
) -> None:
    process = exposed[kind]
    present = process.present()
    missing = [
        (name, labels)
        for name, metric in inventory.metrics.items()
        if _emits(process, metric)
        for labels in metric.initial(process.processes, redis=process.redis)
        if (name, frozenset(labels.items())) not in present
    ]
    assert missing == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_process_exposes_metrics_outside_the_inventory(
    exposed: Mapping[str, Exposed], inventory: Inventory, kind: str
) -> None:
    process = exposed[kind]
    for name, labels in process.present():
        metric = inventory.metrics[name]
        assert _emits(process, metric), f"{name} is not one of {kind}"
        assert metric.allows(dict(labels)), f"{name} has {dict(labels)}"


def _emits(process: Exposed, metric: Metric) -> bool:
    return not (process.summed and metric.only == "one_process") and not set(process.processes).isdisjoint(
        metric.processes
    )
