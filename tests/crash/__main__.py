"""Places orders while everything is killed at random, and says whether one was lost or charged twice."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import asyncpg

from tests.crash import verdict, witness
from tests.crash.buyers import Buyer, Told
from tests.crash.verdict import Facts
from tests.crash.victims import LIES, Shop, open_shop
from tests.support import loopback
from tests.support.processes import end_by_sigterm

BUYERS: Final = 8
FINAL_WITHIN_SECONDS: Final = 60.0
PAID_SHARE: Final = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000, help="orders to place at least (%(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="processes to kill with SIGKILL (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of what is chosen at random; a run prints its own")
    options = parser.parse_args()
    end_by_sigterm()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}: {options.orders} orders, {options.kills} kills\n")
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder)) as shop:
        return asyncio.run(_run(shop, Path(folder), options.orders, options.kills, random.Random(seed)))


async def _run(shop: Shop, folder: Path, orders: int, kills: int, chosen: random.Random) -> int:
    told, began = Told(), time.monotonic()
    stock = await _stock(shop.database_url)
    items = await _prepare(shop)
    left = iter(range(orders))

    async def buy(buyer: Buyer, killing: "asyncio.Task[None]") -> None:
        await buyer.register()
        # Whoever has bought all goes on while there is killing: a kill that meets no order proves nothing.
        while next(left, None) is not None or not killing.done():
            await buyer.buy(items)
        await buyer.close()

    async with asyncio.TaskGroup() as group:
        killing = group.create_task(_kill(shop, kills, chosen))
        group.create_task(_tell(told, shop, orders, kills, killing))
        for _ in range(BUYERS):
            group.create_task(buy(Buyer(shop.apis, told, chosen), killing))
    facts, waited = await _settled(shop, stock)
    faults = verdict.faults(facts, told)
    statuses = verdict.counts(facts)
    eligible = len(facts.orders) - statuses["cancelled"] - statuses["failed"]
    if statuses["paid"] < eligible * PAID_SHARE:
        faults.append(f"only {statuses['paid']} of {eligible} that were neither cancelled nor declined are paid")
    refunds = sum(map(len, facts.refunds.values()))
    sys.stdout.write(
        f"{len(told.placed)} orders got a 2xx after {told.retries} retries; {dict(statuses)}; {refunds} refunds\n"
        f"{sum(shop.kills.values())} kills: {dict(sorted(shop.kills.items()))}\n"
        f"all final {waited:.1f} s after the last kill or order; {time.monotonic() - began:.0f} s in all\n"
    )
    for fault in faults[:50]:
        sys.stdout.write(f"FAULT: {fault}\n")
    if faults:
        named = [order for order in facts.orders if any(order in fault for fault in faults)]
        for line in await witness.tell(shop.database_url, folder, named[:5]):
            sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(faults)} faults\n" if faults else "Nothing lost, nothing charged twice.\n")
    return 1 if faults else 0


async def _prepare(shop: Shop) -> list[str]:
    """Has the provider lie; the ids of what there is to buy."""
    async with loopback.async_client(timeout=20) as client:
        (await client.put(f"{shop.provider}/v1/behaviour", json=LIES)).raise_for_status()
        answer = await client.get(f"{shop.apis[0]}/api/v1/items", params={"per_page": 100})
    items = answer.raise_for_status().json()["items"]
    return [item["id"] for item in items if item["currency"] == items[0]["currency"] and item["stock"]]


async def _kill(shop: Shop, kills: int, chosen: random.Random) -> None:
    for _ in range(kills):
        await asyncio.sleep(chosen.uniform(0.5, 3))
        await asyncio.to_thread(shop.kill_one, chosen)


async def _tell(told: Told, shop: Shop, orders: int, kills: int, killing: "asyncio.Task[None]") -> None:
    """Progress, a line every ten seconds."""
    while len(told.placed) < orders or not killing.done():
        sys.stdout.write(
            f"  {len(told.placed)} of {orders} orders, {sum(shop.kills.values())} of {kills} kills,"
            f" {told.retries} retries\n"
        )
        sys.stdout.flush()
        await asyncio.sleep(10)


async def _settled(shop: Shop, stock: int) -> tuple[Facts, float]:
    """The facts once nothing waits any more, or after a minute; and how long that took."""
    began = time.monotonic()
    while True:
        facts = await verdict.gather(shop.database_url, shop.provider, stock)
        waited = time.monotonic() - began
        if not (facts.waiting or verdict.counts(facts)["pending"]) or waited > FINAL_WITHIN_SECONDS:
            return facts, waited
        await asyncio.sleep(0.5)


async def _stock(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE items SET stock = 1000000")
        return int(await connection.fetchval("SELECT sum(stock) FROM items"))
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
