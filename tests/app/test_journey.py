"""A person's way from registering to a paid order, on the embedded default and on PostgreSQL, Redis and Celery."""

from app.infra import schema
from app.seed import seed
from app.settings import read
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


def test_distributed_shop_takes_an_order_and_a_worker_pays_it(
    processes: Processes, database_url: str, redis_url: str
) -> None:
    settings = read(database_url=database_url, redis_url=redis_url, _env_file=None)
    schema.migrate(settings)
    seed(settings)
    stores = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "k" * 32}
    processes.worker(PROVIDER_URL=processes.sandbox(), **stores)
    _, url = processes.api(**stores)
    steps: list[str] = []
    smoke(url, steps.append)
    assert steps[-1].startswith("ok    paid")
