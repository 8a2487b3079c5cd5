"""Buyers who want each order exactly once: a lost answer is asked for again, with the same key."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx2

from tests.support import loopback

PATIENCE_SECONDS: Final = 120.0
CANCELLED_SHARE: Final = 0.12
PAID_FIRST_SHARE: Final = 0.5
FINAL: Final = 400  # from here on an answer is an error; below, what was asked for is done


@dataclass(slots=True)
class Told:
    """What the buyers were told: ids of the orders that got a 2xx, and which of them were cancelled."""

    placed: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    retries: int = 0


class Buyer:
    """One client of both APIs, who takes the other one when the first does not answer."""

    def __init__(self, apis: Sequence[str], told: Told, chosen: random.Random) -> None:
        self._clients = [loopback.async_client(base_url=url, timeout=8) for url in apis]
        self._told = told
        self._chosen = chosen
        self._headers: dict[str, str] = {}

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def register(self) -> None:
        name = f"b{uuid4().hex[:12]}"
        account = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
        account["password_confirm"] = account["password"]
        await self._ask("POST", "/api/v1/auth/register", json=account, fine=(201, 409))
        form = {"username": name, "password": account["password"]}
        token = (await self._ask("POST", "/api/v1/auth/token", data=form)).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    async def buy(self, items: Sequence[str]) -> None:
        """One order, and now and then a change of mind."""
        chosen = self._chosen.sample(list(items), k=self._chosen.randint(1, 3))
        lines = [{"item_id": item, "quantity": self._chosen.randint(1, 2)} for item in chosen]
        key = {"Idempotency-Key": uuid4().hex}
        order = (await self._ask("POST", "/api/v1/orders", json={"lines": lines}, headers=key)).json()
        self._told.placed.append(order["id"])
        if self._chosen.random() < CANCELLED_SHARE:
            await self._hesitate(order["id"])
            answer = await self._ask("POST", f"/api/v1/orders/{order['id']}/cancel", fine=(200, 202, 409))
            if answer.status_code < FINAL:
                self._told.cancelled.add(order["id"])

    async def _hesitate(self, order_id: str) -> None:
        """A moment, which may fall before or into the payment; or until it is paid, since that needs a refund."""
        await asyncio.sleep(self._chosen.uniform(0, 0.3))
        if self._chosen.random() < PAID_FIRST_SHARE:
            for _ in range(20):
                order = (await self._ask("GET", f"/api/v1/orders/{order_id}")).json()
                if order["status"] != "pending":
                    return
                await asyncio.sleep(0.3)

    async def _ask(
        self, method: str, path: str, *, fine: Sequence[int] = (200, 201, 202), headers: Any = None, **body: Any
    ) -> httpx2.Response:
        """Asks until there is an answer that means something. Raises AssertionError for one that must not be."""
        ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        reason = "never asked"
        while asyncio.get_running_loop().time() < ends:
            client = self._chosen.choice(self._clients)
            try:
                answer = await client.request(method, path, headers={**self._headers, **(headers or {})}, **body)
            except httpx2.HTTPError as error:
                reason = repr(error)
            else:
                if answer.status_code in fine:
                    return answer
                # 503 and 504 say that nothing was decided; any other answer is a fault of the service.
                assert answer.status_code in (503, 504), f"{method} {path}: {answer.status_code} {answer.text[:300]}"
                reason = f"{answer.status_code}"
            self._told.retries += 1
            await asyncio.sleep(self._chosen.uniform(0.05, 0.4))
        raise AssertionError(f"{method} {path}: no answer within {PATIENCE_SECONDS:g} s, at last {reason}")
