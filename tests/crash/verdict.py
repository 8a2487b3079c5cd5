"""What must be true when the fire is over, as the database and the provider's ledger tell it."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.crash.buyers import Told
from tests.support import loopback

# Letters may still be on their way: the mail provider lies as well, and nobody waits for them.
_WAITING: Final = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND topic IN ('pay_order', 'refund_order')"


@dataclass(frozen=True, slots=True)
class Facts:
    """`orders` by id: status, total and stock; `charges` and `refunds` by the order that they name."""

    orders: Mapping[str, Mapping[str, Any]]
    charges: Mapping[str, Sequence[Mapping[str, Any]]]
    refunds: Mapping[str, Sequence[Mapping[str, Any]]]
    waiting: int
    dead: int
    missing_pieces: int


async def gather(database_url: str, provider: str, stock_at_first: int) -> Facts:
    """Reads the database and the ledger."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT * FROM orders")
        waiting = await connection.fetchval(_WAITING)
        dead = await connection.fetchval("SELECT count(*) FROM dead_letters")
        stock = await connection.fetchval("SELECT sum(stock) FROM items")
        sold = await connection.fetchval(
            "SELECT coalesce(sum(quantity), 0) FROM order_lines JOIN orders ON orders.id = order_id"
            " WHERE status IN ('pending', 'paid')"
        )
    finally:
        await connection.close()
    lines: dict[str, dict[str, list[dict[str, Any]]]] = {"charge": defaultdict(list), "refund": defaultdict(list)}
    async with loopback.async_client(timeout=60) as client:
        answer = (await client.get(f"{provider}/v1/ledger")).raise_for_status()
    for line in map(json.loads, filter(None, answer.text.splitlines())):
        lines[line["entry"]][line["reference"]].append(line)
    return Facts(
        {str(row["id"]): dict(row) for row in rows},
        lines["charge"],
        lines["refund"],
        waiting,
        dead,
        stock_at_first - stock - sold,
    )


def faults(facts: Facts, told: Told) -> list[str]:
    """One sentence for each thing that is not as it must be."""
    found = [f"order {order} got a 2xx and is not there" for order in told.placed if order not in facts.orders]
    if len(facts.orders) != len(set(told.placed)):
        found.append(f"{len(facts.orders)} orders are there, {len(set(told.placed))} were placed")
    for order_id, order in facts.orders.items():
        found += [f"order {order_id} ({order['status']}): {fault}" for fault in _of(order_id, order, facts, told)]
    if facts.missing_pieces:
        found.append(f"{facts.missing_pieces} pieces are neither in stock nor in an order")
    if facts.dead:
        found.append(f"{facts.dead} messages were given up")
    strangers = set(facts.charges) - set(facts.orders)
    if strangers:
        found.append(f"charges for orders that are not there: {sorted(strangers)}")
    return found


def _of(order_id: str, order: Mapping[str, Any], facts: Facts, told: Told) -> list[str]:
    charges, refunds = facts.charges.get(order_id, []), facts.refunds.get(order_id, [])
    taken = [charge["amount_minor"] for charge in charges if charge["status"] == "succeeded"]
    given = [refund["amount_minor"] for refund in refunds]
    status, total, found = order["status"], order["total_minor"], []
    if status == "pending":
        found.append("not final")
    if len(taken) > 1:
        found.append(f"charged {len(taken)} times")
    if status == "failed" and not any(charge["status"] == "declined" for charge in charges):
        found.append("the ledger shows no decline")
    if status == "paid" and (taken, given) != ([total], []):
        found.append(f"its total is {total}; charged {taken}, refunded {given}")
    if status in ("failed", "pending") and sum(taken) != sum(given):
        found.append(f"charged {taken}, refunded {given}")
    if status == "cancelled" and given != taken:
        found.append(f"charged {taken}, refunded {given}")
    if order_id in told.cancelled and status not in ("cancelled", "failed"):
        found.append("the buyer was told that it is cancelled")
    return found


def counts(facts: Facts) -> Counter[str]:
    """How many orders have which status."""
    return Counter(order["status"] for order in facts.orders.values())
