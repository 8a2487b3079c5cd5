"""Resident memory of an API process, idle and after many requests."""

import asyncio
from pathlib import Path

from bench.client import fire
from bench.processes import resident_megabytes
from bench.report import Figure
from bench.shops import an_item, open_shops

IDLE_MEGABYTES = 110
GROWTH = 0.02
FIRST, LAST = 1_000, 50_000


def measure(folder: Path, python: str) -> list[Figure]:
    with open_shops(folder, python) as shops:
        figures = []
        embedded, (pid, url, _) = shops.embedded(), shops.distributed(redis=True)
        for name, one in (("embedded", embedded[0]), ("PostgreSQL and Redis", pid)):
            idle = resident_megabytes(one)
            figures.append(
                Figure(
                    f"idle API process, {name}", f"{idle:.0f} MiB", idle <= IDLE_MEGABYTES, f"≤ {IDLE_MEGABYTES} MiB"
                )
            )
        item, _ = an_item(url)
        paths = [item, "/api/v1/items", "/api/v2/items", "/api/v1/items/nonsense", "/nowhere"]
        asyncio.run(fire(url, paths, FIRST, {}))
        early = resident_megabytes(pid)
        asyncio.run(fire(url, paths, LAST - FIRST, {}))
        late = resident_megabytes(pid)
    growth = late / early - 1
    measured = f"{early:.1f} to {late:.1f} MiB, {growth:+.1%}"
    return [
        *figures,
        Figure(f"growth from request {FIRST:,} to {LAST:,}", measured, growth <= GROWTH, f"≤ {GROWTH:.0%}"),
    ]
