"""The path from registration to a paid order, on the embedded default and on PostgreSQL, Redis and Celery."""

from app.commands.smoke import smoke
from tests.support.shops import RunningShop


def test_an_order_is_placed_and_paid(running_shop: RunningShop) -> None:
    steps: list[str] = []
    smoke(running_shop.urls[0], steps.append)
    assert steps[-1].startswith("ok    paid")
