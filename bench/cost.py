"""Server CPU per request, relative to a bare FastAPI route that returns the same body."""

import asyncio
import statistics
from pathlib import Path

from bench.client import fire
from bench.processes import cpu_seconds
from bench.report import Figure
from bench.shops import Shops, Target, an_item, fill, open_shops, token

ROUNDS = 5
REQUESTS = 2000
WARM_UP = 500


def measure(folder: Path, python: str) -> list[Figure]:
    """Measures medians of CPU time over five rounds of all variants, so that other load affects all alike."""
    with open_shops(folder, python) as shops:
        targets = _targets(shops)
        spent: dict[str, list[float]] = {target.name: [] for target in targets}
        for round_number in range(-1, ROUNDS):
            for target in targets:
                seconds = asyncio.run(_one(target, WARM_UP if round_number < 0 else REQUESTS, max(round_number, 0)))
                if round_number >= 0:
                    spent[target.name].append(seconds)
    micro = {name: statistics.median(seconds) / REQUESTS * 1e6 for name, seconds in spent.items()}
    bare = micro["bare route"]
    figures = [Figure("bare route", f"{bare:.0f} µs", None, None)]
    for name, floor in (("cached, embedded", 0.60), ("cached, Redis", 0.35)):
        share = bare / micro[name]
        figures.append(
            Figure(
                f"GET an item, {name}", f"{micro[name]:.0f} µs, {share:.0%} of bare", floor <= share, f"≥ {floor:.0%}"
            )
        )
    for name, limit in (("by id, uncached, PostgreSQL", 3.5), ("list of 20, PostgreSQL", 6.0)):
        times = micro[name] / bare
        figures.append(
            Figure(f"GET {name}", f"{micro[name]:.0f} µs, {times:.1f} times bare", times <= limit, f"≤ {limit:g} times")
        )
    return figures


def _targets(shops: Shops) -> list[Target]:
    pid, url = shops.embedded()
    item, body = an_item(url)
    redis_pid, redis_url, _ = shops.distributed(redis=True)
    redis_item, _ = an_item(redis_url)
    sql_pid, sql_url, settings = shops.distributed(redis=False)
    ids = asyncio.run(fill(settings, WARM_UP + ROUNDS * REQUESTS))
    authorized = {"Authorization": token(sql_url)}
    return [
        shops.bare(body),
        Target("cached, embedded", pid, url, [item]),
        Target("cached, Redis", redis_pid, redis_url, [redis_item]),
        Target("by id, uncached, PostgreSQL", sql_pid, sql_url, [f"/api/v1/items/{one}" for one in ids], authorized),
        Target("list of 20, PostgreSQL", sql_pid, sql_url, _pages(), authorized),
    ]


def _pages() -> list[str]:
    """Returns distinct paths, since a repeated one would be served from the cache."""
    return [
        f"/api/v1/items?per_page=20&page=1&min_price={number / 100:.2f}"
        for number in range(1, WARM_UP + ROUNDS * REQUESTS)
    ]


async def _one(target: Target, count: int, round_number: int) -> float:
    """Returns CPU seconds of the server for `count` requests. Raises RuntimeError if one fails."""
    start = (round_number * REQUESTS) % len(target.paths)
    paths = target.paths[start:] + target.paths[:start]
    before = cpu_seconds(target.pid)
    statuses = await fire(target.url, paths, count, target.headers)
    if set(statuses) != {200}:
        raise RuntimeError(f"{target.name}: some responses are not 200: {dict(statuses)}")
    return cpu_seconds(target.pid) - before
