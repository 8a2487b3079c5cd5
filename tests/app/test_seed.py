"""The catalogue to begin with: there once, however many replicas seed it and however often."""

from concurrent.futures import ThreadPoolExecutor

from app.seeding.items import CATALOGUE, seed
from app.settings import Settings


def test_replicas_that_seed_at_once_are_all_content(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as replicas:
        added = list(replicas.map(seed, [settings] * 4))
    assert sum(added) == len(CATALOGUE)
    assert seed(settings) == 0
