"""Latency of page 10,000 of API version 2 relative to page 1, with a million items in PostgreSQL."""

import asyncio
import statistics
import time
from pathlib import Path

import httpx2
from sqlalchemy import text

from app.infra.database import open_database
from app.settings import Settings
from bench.report import Figure
from bench.shops import open_shops

ITEMS = 1_000_000
PAGE = 10_000
PER_PAGE = 20
ROUNDS = 200
MAX_RATIO = 1.2

_FILL = """
INSERT INTO items (id, owner_id, name, name_key, description, price_minor, currency, stock, created_at)
SELECT gen_random_uuid(), (SELECT id FROM accounts LIMIT 1), 'Bell ' || n, 'bell ' || n, 'Of brass.', 1 + n % 90000,
    'EUR', 9, TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 second'
FROM generate_series(1, :count) AS n
"""


def measure(folder: Path, python: str) -> list[Figure]:
    with open_shops(folder, python) as shops:
        _, url, settings = shops.distributed(redis=False)
        asyncio.run(_fill(settings))
        with httpx2.Client(base_url=url, trust_env=False, timeout=30) as client:
            first, far = "/api/v2/items?limit=20", asyncio.run(_far(client))
            times: dict[str, list[float]] = {first: [], far: []}
            for _ in range(ROUNDS):
                for path, durations in times.items():
                    began = time.perf_counter()
                    client.get(path).raise_for_status()
                    durations.append(time.perf_counter() - began)
    near, distant = (statistics.median(durations) for durations in times.values())
    measured = f"{distant * 1000:.2f} ms, {distant / near:.2f} times page 1"
    return [
        Figure(
            f"page {PAGE:,} of {ITEMS:,} items, version 2",
            measured,
            distant <= near * MAX_RATIO,
            f"≤ {MAX_RATIO:g} times",
        )
    ]


async def _far(client: httpx2.Client) -> str:
    """Follows cursors like a client, in larger pages; returns the path of the page."""
    cursor, left = None, (PAGE - 1) * PER_PAGE
    while left:
        step = min(100, left)
        parameters = {"limit": str(step), **({"cursor": cursor} if cursor else {})}
        cursor = client.get("/api/v2/items", params=parameters).raise_for_status().json()["next_cursor"]
        left -= step
    return f"/api/v2/items?limit={PER_PAGE}&cursor={cursor}"


async def _fill(settings: Settings) -> None:
    slow = settings.model_copy(update={"database_statement_timeout_seconds": 600.0})
    async with open_database(slow) as database:
        async with database.write() as session:
            await session.execute(text(_FILL), {"count": ITEMS})
        async with database.engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
                text("VACUUM ANALYZE items")
            )
