"""One order is one trace over the API, the worker and the provider, and the log lines of all three have its id."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import servers
from tests.support.customer import Shopper
from tests.support.otlp_receiver import Receiver, receiver, tree
from tests.support.processes import Processes, Running, wait_until
from tests.support.servers import PostgreSQL
from tests.support.shops import stores_at

ORDERED = """
api server POST /api/v1/orders
  api client SELECT accounts
  api internal transaction
    api client INSERT order_lines
    api client INSERT orders
    api client INSERT outbox
    api client UPDATE items
  api client DEL
  api producer publish binnacle
    worker consumer process pay_order
      worker internal transaction
        worker client UPDATE outbox
      worker internal transaction
        worker client UPDATE orders
      worker client POST
        sandbox server POST /v1/charges
      worker internal transaction
        worker client INSERT outbox
        worker client UPDATE orders
        worker client UPDATE outbox
      worker producer publish order
      worker producer publish binnacle
        worker consumer process mail_receipt
          worker internal transaction
            worker client UPDATE outbox
          worker client SELECT accounts
          worker client SELECT orders
          worker client POST
            sandbox server POST /v1/mails
          worker internal transaction
            worker client UPDATE outbox
"""
CANCELLED = """
api server POST /api/v1/orders/{order_id}/cancel
  api internal transaction
    api client INSERT outbox
    api client SELECT order_lines
    api client SELECT order_lines
    api client SELECT orders
    api client SELECT orders
    api client UPDATE items
    api client UPDATE orders
  api client DEL
  api producer publish order
  api producer publish binnacle
    worker consumer process refund_order
      worker internal transaction
        worker client UPDATE outbox
      worker client SELECT orders
      worker client GET
        sandbox server GET /v1/charges
      worker client POST
        sandbox server POST /v1/refunds
      worker internal transaction
        worker client INSERT outbox
        worker client UPDATE orders
        worker client UPDATE outbox
      worker producer publish order
      worker producer publish binnacle
        worker consumer process mail_refund
          worker internal transaction
            worker client UPDATE outbox
          worker client SELECT accounts
          worker client SELECT orders
          worker client POST
            sandbox server POST /v1/mails
          worker internal transaction
            worker client UPDATE outbox
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """Three processes that sample every trace, and the receiver of their spans."""

    url: str
    processes: tuple[Running, Running, Running]
    otlp: Receiver

    def tree(self, trace_id: str) -> str:
        """The trace without the commands of the rate limits, whose number depends on the time."""
        spans = [span for span in self.otlp.of_trace(trace_id) if span.name not in ("EVALSHA", "SCRIPT LOAD")]
        return f"\n{tree(spans)}\n"

    def logged(self, route: str, seen: int = 1) -> list[str]:
        """The trace ids of a route's access lines, once there are this many."""
        api = self.processes[0]
        wait_until(lambda: len(_of(api, route)) >= seen, 10, f"an access line of {route}")
        return _of(api, route)

    def lines_carry(self, trace_id: str) -> None:
        for process in self.processes:
            wait_until(
                lambda process=process: any(line.get("trace_id") == trace_id for line in process.lines()),  # type: ignore[misc]
                10,
                f"a line of {process.log.stem} with the trace id {trace_id}",
            )


def _of(api: Running, route: str) -> list[str]:
    return [line["trace_id"] for line in api.lines() if line.get("route") == route]


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, seeded_postgresql: str, redis_server: str
) -> Iterator[Shop]:
    with (
        postgresql.database(like=seeded_postgresql) as database_url,
        receiver() as otlp,
        Processes(tmp_path_factory.mktemp("traced")) as processes,
    ):
        stores = stores_at(database_url, servers.empty_redis_database(redis_server))
        traced = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.endpoint,
            "TRACES_SAMPLE_RATIO": 1,
            "OTEL_BSP_SCHEDULE_DELAY": 100,
        }
        provider = processes.sandbox(**traced)
        worker = processes.worker(PROVIDER_URL=provider, **traced, **stores)
        api, url = processes.api(**traced, **stores)
        yield Shop(url, (api, worker, processes.named("sandbox")), otlp)


def test_an_order_and_its_cancellation_are_one_trace_each(shop: Shop) -> None:
    with Shopper(shop.url) as shopper:
        location = shopper.order().headers["Location"]
        ordered = shop.logged("/api/v1/orders")[-1]
        shopper.await_final(location)
        wait_until(lambda: shop.tree(ordered).count("\n") >= ORDERED.count("\n"), 20, "the spans of the order")
        assert shop.tree(ordered) == ORDERED
        shop.lines_carry(ordered)
        shopper.client.post(f"{location}/cancel").raise_for_status()
        cancelled = shop.logged("/api/v1/orders/{order_id}/cancel")[-1]
        wait_until(lambda: shop.tree(cancelled).count("\n") >= CANCELLED.count("\n"), 20, "the spans of the refund")
        assert shop.tree(cancelled) == CANCELLED
        shop.lines_carry(cancelled)


def test_tracestate_and_flags_of_the_caller_are_propagated(shop: Shop) -> None:
    trace_id = "a" * 32
    with Shopper(shop.url) as shopper:
        shopper.client.headers["traceparent"] = f"00-{trace_id}-{'c' * 16}-01"
        shopper.client.headers["tracestate"] = "vendor=t61rcWkgMzE,ot=th:8"
        shopper.order()
    expected = ORDERED.count("\n") - 1
    wait_until(lambda: len(shop.otlp.of_trace(trace_id)) >= expected, 20, "the spans of the order")
    spans = shop.otlp.of_trace(trace_id)
    assert {span.state for span in spans} == {"vendor=t61rcWkgMzE,ot=th:8"}
    assert {span.service for span in spans} == {"binnacle-api", "binnacle-worker", "binnacle-sandbox"}
    [asked] = [span for span in spans if span.name == "POST /api/v1/orders"]
    assert asked.parent_id == "c" * 16


def test_an_unsampled_order_exports_no_span_and_keeps_its_trace_id(shop: Shop) -> None:
    unsampled, sampled = "b" * 32, "d" * 32
    with Shopper(shop.url) as shopper:
        shopper.client.headers["traceparent"] = f"00-{unsampled}-{'c' * 16}-00"
        shopper.await_final(shopper.order().headers["Location"])
        shop.lines_carry(unsampled)
        shopper.client.headers["traceparent"] = f"00-{sampled}-{'c' * 16}-01"
        shopper.client.get("/api/v1/items").raise_for_status()
    wait_until(lambda: shop.otlp.of_trace(sampled), 10, "the spans of a sampled request, sent after the other")
    assert shop.otlp.of_trace(unsampled) == []


def test_a_trace_shows_operations_and_no_values(shop: Shop) -> None:
    with Shopper(shop.url) as shopper:
        shopper.client.headers["traceparent"] = f"00-{'e' * 32}-{'c' * 16}-01"
        order_id = shopper.order().json()["id"]
        item_id = shopper.item_id
    wait_until(lambda: len(shop.otlp.of_trace("e" * 32)) >= ORDERED.count("\n") - 1, 20, "the spans of the order")
    spans = shop.otlp.of_trace("e" * 32)
    attributes = repr([span.attributes for span in spans])
    for private in (order_id, item_id, "example.com", "horse"):
        assert private not in attributes
    [insert] = [span for span in spans if span.name == "INSERT order_lines"]
    assert insert.attributes["db.system.name"] == "postgresql"
    assert insert.attributes["db.operation.name"] == "INSERT"
    assert insert.attributes["db.collection.name"] == "order_lines"
    assert insert.attributes["db.query.text"].startswith("INSERT INTO order_lines (order_id, ")
    assert insert.attributes["server.address"]
    [published] = [span for span in spans if span.name == "publish binnacle" and span.service == "binnacle-api"]
    [processed] = [span for span in spans if span.name == "process pay_order"]
    assert published.attributes["messaging.message.id"] == processed.attributes["messaging.message.id"]
    assert processed.attributes["binnacle.job.outcome"] == "paid"
