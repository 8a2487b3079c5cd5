"""The browser and buyer journeys. Each is one Locust user whose task starts every visit in its own greenlet."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any
from uuid import uuid4

import gevent
from gevent.lock import Semaphore
from locust import task
from locust.exception import StopUser

from loadtests.base_user import Client, Request
from loadtests.record import FINAL, Order

PAGE_SIZE = 5
SHORTEST_PAUSE = 0.2


class Browser(Client):
    """Lists items, reads the second page, reads one item: one request per visit."""

    fixed_count = 1

    def on_start(self) -> None:
        self.items: list[Any] = []

    @task
    def browse(self) -> None:
        self.run_schedule(self.options.rate, self.visit)
        raise StopUser

    def visit(self, due: float, number: int) -> None:
        """Sends the next request of the cycle; lists items until a list has been received."""
        cycle, step = divmod(number, 3)
        if step == 0 or not self.items:
            request = Request("list items", "GET", f"/api/v1/items?page=1&per_page={PAGE_SIZE}")
            self.items = self.send(request, due, ids, cycle) or self.items
        elif step == 1:
            self.send(Request("turn page", "GET", f"/api/v1/items?page=2&per_page={PAGE_SIZE}"), due, rows, cycle)
        else:
            item = self.items[cycle % len(self.items)]
            request = Request("read item", "GET", f"/api/v1/items/{item}")
            self.send(request, due, lambda body: same(body["id"], item), cycle)


class Buyer(Client):
    """Registers once, gets a token, places orders and polls each until it is paid or failed."""

    fixed_count = 1

    def on_start(self) -> None:
        self.name = f"buyer-{uuid4().hex[:12]}"
        self.password = uuid4().hex
        self.registered = False
        self.token: tuple[str, float] | None = None
        self.items: list[Any] = []
        self.signing_in = Semaphore()
        self.sign_in(perf_counter())

    @task
    def buy(self) -> None:
        self.run_schedule(self.options.order_rate, self.visit)
        raise StopUser

    def visit(self, due: float, number: int) -> None:
        headers = self.sign_in(due, number)
        if headers is None:
            return
        order = {"lines": [{"item_id": self.items[number % len(self.items)], "quantity": 1}]}
        request = Request("place order", "POST", "/api/v1/orders", expect=202, json=order, headers=headers)
        placed = self.send(request, due, lambda body: body["id"], number)
        if placed is not None:
            self.follow(placed, due, headers, number)

    def follow(self, placed: Any, due: float, headers: Mapping[str, str], client: int) -> None:
        """Polls an accepted order until it is final or `order_timeout` has passed.

        Each pause is a fifth of the order's age, so that a measured time is at most 20 % too long, and a backlog of
        waiting orders adds little load.
        """
        order = Order(str(placed))
        self.record.orders.append(order)
        request = Request("read order", "GET", f"/api/v1/orders/{placed}", headers=headers)
        while (age := perf_counter() - due) < self.options.order_timeout:
            pause = max(SHORTEST_PAUSE, age / 5)
            read_due = perf_counter() + pause
            gevent.sleep(pause)
            status = self.send(request, read_due, lambda body: body["status"], client)
            if status in FINAL:
                order.status, order.seconds = status, perf_counter() - due
                return

    def sign_in(self, due: float, client: int = 0) -> dict[str, str] | None:
        """Registers and logs in if needed; returns the authorization headers, or None if a request failed."""
        with self.signing_in:
            if not self.items:
                self.items = self.send(Request("list items", "GET", "/api/v1/items"), due, for_sale, client) or []
                due = perf_counter()
            if not self.registered:
                self.registered = self.register(due, client)
                due = perf_counter()
            if self.registered and (self.token is None or self.token[1] < perf_counter()):
                self.token = self.log_in(due, client)
        return {"Authorization": f"Bearer {self.token[0]}"} if self.items and self.token else None

    def register(self, due: float, client: int) -> bool:
        account = {
            "username": self.name,
            "email": f"{self.name}@example.com",
            "password": self.password,
            "password_confirm": self.password,
        }
        request = Request("register", "POST", "/api/v1/auth/register", expect=201, json=account)
        return self.send(request, due, lambda _: True, client) or False

    def log_in(self, due: float, client: int) -> tuple[str, float] | None:
        """Gets a token; returns it with the time to renew it, after nine tenths of its lifetime."""
        request = Request(
            "get token",
            "POST",
            "/api/v1/auth/token",
            form={"username": self.name, "password": self.password},
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        return self.send(
            request,
            due,
            lambda body: (str(body["access_token"]), perf_counter() + 0.9 * float(body["expires_in"])),
            client,
        )


def rows(body: Any) -> list[Any]:
    return [item["id"] for item in body["items"]]


def ids(body: Any) -> list[Any]:
    return not_empty(rows(body))


def for_sale(body: Any) -> list[Any]:
    return not_empty([item["id"] for item in body["items"] if item["stock"] > 0])


def not_empty(items: list[Any]) -> list[Any]:
    if not items:
        raise ValueError("no item is for sale: add items with `python -m app seed`")
    return items


def same(found: Any, wanted: Any) -> Any:
    if found != wanted:
        raise ValueError(f"asked for item {wanted}, got {found}")
    return found
