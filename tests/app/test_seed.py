"""Seeding is idempotent, also by concurrent replicas."""

from concurrent.futures import ThreadPoolExecutor

from app.seeding.items import CATALOGUE, seed
from app.settings import Settings


def test_concurrent_seeding_by_replicas_succeeds(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as replicas:
        added = list(replicas.map(seed, [settings] * 4))
    assert sum(added) == len(CATALOGUE)
    assert seed(settings) == 0
