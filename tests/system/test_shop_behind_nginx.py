"""A shop of several processes behind the nginx of compose.yaml, as its customers use it."""

import itertools
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support import servers
from tests.support.customer import Shopper
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until
from tests.support.shops import prepare_stores
from tests.system.composition import load
from tests.system.proxy import Proxy, proxy

CLIENTS = 3


@pytest.fixture(scope="module")
def shop(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Running]]:
    """Two API processes, a worker and a provider on PostgreSQL and Redis, with compose.yaml's settings."""
    folder = tmp_path_factory.mktemp("shop")
    settings = load(root)["services"]["api"]["environment"]
    with (
        servers.postgresql() as postgresql,
        servers.redis(tmp_path_factory.mktemp("redis")) as redis,
        postgresql.database() as database_url,
        Processes(folder) as processes,
    ):
        stores = prepare_stores(database_url, servers.empty_redis_database(redis))
        stores["PROVIDER_URL"] = processes.sandbox()
        processes.worker(**stores)
        given = {name: value for name, value in settings.items() if name not in {"SECRETS_DIR", "PROVIDER_URL"}}
        api, url = processes.api(**stores, **{**given, "TRUSTED_PROXIES": "127.0.0.1/32"})
        with proxy(root, tmp_path_factory.mktemp("nginx"), httpx2.URL(url).port or 0) as nginx:
            yield nginx, api


def _shopper(nginx: Proxy) -> Shopper:
    shopper = Shopper(nginx.url)
    shopper.client.close()
    shopper.client = nginx.client()
    return shopper


def test_an_order_is_paid(shop: tuple[Proxy, Running]) -> None:
    with _shopper(shop[0]) as shopper:
        placed = shopper.order()
        assert shopper.await_final(placed.headers["location"])["status"] == "paid"


def test_the_api_logs_the_clients_real_address(shop: tuple[Proxy, Running]) -> None:
    nginx, api = shop
    with nginx.client(local_address="127.0.0.7") as client:
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "whoami"}
        client.get("/api/v1/items", headers=headers).raise_for_status()
    wait_until(lambda: [line for line in api.lines() if line.get("request_id") == "whoami"], 10, "the access line")
    (line,) = [line for line in api.lines() if line.get("request_id") == "whoami"]
    assert line["client"] == "127.0.0.7"


def test_an_unknown_host_is_refused(shop: tuple[Proxy, Running]) -> None:
    with shop[0].client() as client:
        assert client.get("/api/v1/items", headers={"Host": "evil.example"}).json()["code"] == "unknown_host"


@pytest.mark.parametrize(("size", "by"), [(1_000_001, "api"), (3_000_000, "nginx")])
def test_a_body_that_is_too_large_is_a_problem(shop: tuple[Proxy, Running], size: int, by: str) -> None:
    with shop[0].client() as client:
        headers = {"Content-Type": "application/json", "X-Request-ID": "too-large"}
        answer = client.post("/api/v1/auth/register", content=b" " * size, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    problem = answer.json()
    assert (problem["code"], problem["status"], problem["request_id"]) == ("content_too_large", 413, "too-large")
    assert ("instance" in problem) == (by == "api")


class Buyer(threading.Thread):
    """Places orders over one kept connection until it is stopped, and records the answers."""

    def __init__(self, nginx: Proxy) -> None:
        super().__init__()
        self.shopper = _shopper(nginx).__enter__()
        self.statuses: Counter[int] = Counter()
        self.placed: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            lines = [{"item_id": self.shopper.item_id, "quantity": 1}]
            answer = self.shopper.client.post("/api/v1/orders", json={"lines": lines})
            if answer.status_code == 202:
                self.placed.add(answer.json()["id"])
            read = self.shopper.client.get("/api/v1/items?per_page=1")
            self.statuses.update([answer.status_code, read.status_code])

    def kept(self) -> set[str]:
        """The orders that the shop has stored."""
        found: set[str] = set()
        for page in itertools.count(1):
            answer = self.shopper.client.get("/api/v1/orders", params={"page": page, "per_page": 100})
            orders = answer.raise_for_status().json()["orders"]
            found |= {order["id"] for order in orders}
            if not orders:
                break
        return found


def test_orders_through_a_restart_are_placed_once_or_refused(root: Path, tmp_path: Path) -> None:
    """Clients on kept connections get answers only: the API's, or nginx's 502."""
    port = free_port()
    with Processes(tmp_path) as processes, proxy(root, tmp_path, port) as nginx:
        assert processes.start("migrate").wait() == 0
        assert processes.start("seed").wait() == 0
        settings = {"PORT": port, "ADMIN_PORT": free_port(), "DRAIN_SECONDS": 1, "RATE_LIMIT_WRITES": 0}
        provider = processes.sandbox()

        def start() -> Running:
            api = processes.start("serve", PROVIDER_URL=provider, **settings)
            processes.await_answer(api, f"http://127.0.0.1:{port}", "/readyz")
            return api

        api = start()
        buyers = [Buyer(nginx) for _ in range(CLIENTS)]
        for buyer in buyers:
            buyer.start()
        _place_more_orders(buyers)
        api.signal(signal.SIGTERM)
        assert api.wait() == 0
        start()
        _place_more_orders(buyers)
        for buyer in buyers:
            buyer.stopped.set()
            buyer.join()
        for buyer in buyers:
            assert buyer.statuses.keys() <= {200, 202, 502}, buyer.statuses
            assert buyer.statuses[502] > 0, "nobody was there, and the client was told"
            assert buyer.kept() == buyer.placed
            buyer.shopper.client.close()


def _place_more_orders(buyers: list[Buyer]) -> None:
    wanted = [len(buyer.placed) + 2 for buyer in buyers]
    wait_until(
        lambda: all(len(buyer.placed) >= enough for buyer, enough in zip(buyers, wanted, strict=True)), 20, "orders"
    )


def test_while_the_api_is_unreachable_nginx_answers_502(root: Path, tmp_path: Path) -> None:
    with proxy(root, tmp_path, free_port()) as nginx, nginx.client() as client:
        answer = client.get("/api/v1/items")
        assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
        assert answer.headers["retry-after"] == "5"
        assert (answer.json()["code"], answer.json()["status"]) == ("bad_gateway", 502)
