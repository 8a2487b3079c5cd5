"""A person's way from registering to a paid order, on the embedded default and on PostgreSQL, Redis and Celery."""

from app.smoke import smoke
from tests.app.processes import Processes


def test_embedded_shop_takes_an_order_and_pays_it(processes: Processes) -> None:
    run = processes.start("migrate")
    assert run.wait() == 0
    assert processes.start("seed").wait() == 0
    _, url = processes.api(PROVIDER_URL=processes.sandbox())
    steps: list[str] = []
    smoke(url, steps.append)
    assert steps[-1].startswith("ok    paid")


def test_distributed_shop_takes_an_order_and_a_worker_pays_it(processes: Processes, stores: dict[str, str]) -> None:
    processes.worker(PROVIDER_URL=processes.sandbox(), **stores)
    _, url = processes.api(**stores)
    steps: list[str] = []
    smoke(url, steps.append)
    assert steps[-1].startswith("ok    paid")
