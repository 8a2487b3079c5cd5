"""Whole runs against a shop that is well, and against shops that are not."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.loadtests.conftest import Load, Outcome
from tests.loadtests.shop import Faults, Shop


@pytest.fixture(scope="module")
def run(load: Load) -> tuple[Shop, Outcome]:
    with Shop(Faults(final_after=0.15)) as shop:
        return shop, load(shop, "--run-time", "1.5")


class TestAShopThatIsWell:
    def test_passes_and_says_so(self, run: tuple[Shop, Outcome]) -> None:
        _, outcome = run
        assert outcome.code == 0, outcome.out + outcome.err
        assert outcome.out.endswith("All objectives hold.\n")
        assert outcome.result["passed"]
        assert {entry["verdict"] for entry in outcome.result["objectives"]} == {"ok"}
        assert set(outcome.result["failures"].values()) == {0}

    def test_sends_what_was_asked_for_and_counts_all_of_it(self, run: tuple[Shop, Outcome]) -> None:
        shop, outcome = run
        steps = shop.steps
        # Forty requests a second for 1.5 seconds, and the buyer's one list of what is for sale.
        assert steps["list items"] + steps["turn page"] + steps["read item"] == 60 + 1
        assert steps["place order"] == 8
        assert steps["register"] == steps["get token"] == 1
        del steps["livez"]
        assert {name: step["requests"] for name, step in outcome.result["steps"].items()} == steps
        assert outcome.objective("availability")["total"] == outcome.objective("latency")["total"] == steps.total()

    def test_follows_each_order_until_it_is_final(self, run: tuple[Shop, Outcome]) -> None:
        shop, outcome = run
        orders = outcome.result["orders"]
        assert {order["id"] for order in orders} == set(shop.orders)
        assert {order["status"] for order in orders} == {"paid"}
        assert all(order["seconds"] >= 0.15 for order in orders)
        assert outcome.objective("order-completion")["total"] == 8

    def test_sends_half_of_the_requests_on_fresh_connections(self, run: tuple[Shop, Outcome]) -> None:
        shop, outcome = run
        requests = [seen for seen in shop.seen if seen.step != "livez"]
        uses = Counter(seen.connection for seen in requests)
        fresh = [seen for seen in requests if seen.closing]
        assert abs(len(fresh) - outcome.result["requests"] / 2) <= 1
        assert all(uses[seen.connection] == 1 for seen in fresh)

    def test_spreads_the_others_over_connections_that_it_keeps(self, run: tuple[Shop, Outcome]) -> None:
        shop, _ = run
        browsing = ("list items", "turn page", "read item")
        uses = Counter(seen.connection for seen in shop.seen if seen.step in browsing and not seen.closing)
        assert sum(count > 1 for count in uses.values()) >= 10

    def test_prints_a_row_for_each_objective_and_each_step(self, run: tuple[Shop, Outcome]) -> None:
        _, outcome = run
        rows = [line.split() for line in outcome.out.splitlines()]
        assert ["availability", "99.9", "%", "100.000", "%", str(outcome.result["requests"]), "ok"] in rows
        printed = {line.split("  ")[0] for line in outcome.out.splitlines()}
        assert {*outcome.result["steps"], "order until final"} <= printed

    def test_is_one_client_and_speaks_for_nobody_else(self, run: tuple[Shop, Outcome]) -> None:
        shop, _ = run
        assert {seen.origin for seen in shop.seen} == {None}


def test_stands_for_distinct_clients_each_of_which_lists_turns_and_reads(load: Load) -> None:
    with Shop() as shop:
        load(shop, "--run-time", "1.5", "--clients", "10")
    listed = Counter(seen.origin for seen in shop.seen if seen.step in {"list items", "turn page", "read item"})
    assert {*listed} == {f"198.18.0.{number}" for number in range(10)}
    assert {seen.origin for seen in shop.seen if seen.step == "place order"} == {f"198.18.0.{n}" for n in range(8)}


def test_slow_answers_and_slow_orders_miss_their_objectives_but_are_waited_for(load: Load) -> None:
    with Shop(Faults(delay={"read item": 0.3}, final_after=0.5)) as shop:
        outcome = load(shop, "--fresh-share", "1", latency=0.25, order_completion=0.4)
    assert outcome.code == 1
    assert outcome.result["missed"] == ["latency", "order-completion"]
    assert outcome.out.endswith("Missed: latency, order-completion.\n")
    assert outcome.result["steps"]["read item"]["p50"] >= 0.3
    assert outcome.objective("order-completion")["good"] == 0
    assert {order["status"] for order in outcome.result["orders"]} == {"paid"}
    assert {seen.closing for seen in shop.seen} == {True}


def test_an_erring_handler_misses_the_availability_objective(load: Load) -> None:
    begin = time.time()
    with Shop(Faults(status={"turn page": 503})) as shop:
        outcome = load(shop, "--fresh-share", "0")
    assert outcome.code == 1
    assert outcome.out.endswith("Missed: availability.\n")
    assert outcome.result["failures"]["server_error"] == shop.steps["turn page"] > 0
    assert {(each["step"], each["kind"]) for each in outcome.result["failed"]} == {("turn page", "server_error")}
    assert {each["said"] for each in outcome.result["failed"]} == {"503"}
    assert all(begin <= each["due"] <= each["ended"] <= time.time() for each in outcome.result["failed"])
    assert [seen for seen in shop.seen if seen.closing and seen.step != "livez"] == []


def test_orders_that_never_finish_miss_their_objective_and_are_named(load: Load) -> None:
    begin = time.time()
    with Shop(Faults(final_after=None)) as shop:
        outcome = load(shop, "--order-timeout", "0.6", order_completion=0.4)
    assert outcome.code == 1
    assert outcome.out.endswith("Missed: order-completion.\n")
    accepted = [order.pop("accepted_at") for order in outcome.result["orders"]]
    assert outcome.result["orders"] == [{"id": order, "status": "pending", "seconds": None} for order in shop.orders]
    assert begin <= accepted[0] < accepted[-1] <= time.time()


def test_a_request_that_was_sent_is_never_sent_again(load: Load) -> None:
    faults = Faults(reset=frozenset({"read item"}), hang_up=frozenset({"turn page"}), delay={"read order": 30})
    with Shop(faults) as shop:
        outcome = load(shop, "--timeout", "1.5", "--order-timeout", "1", latency=1, order_completion=0.5)
    steps = shop.steps
    assert {name: step["requests"] for name, step in outcome.result["steps"].items()} == {
        name: count for name, count in steps.items() if name != "livez"
    }
    assert outcome.result["failures"] == {
        "server_error": 0,
        "reset": steps["read item"] + steps["turn page"],
        "timeout": steps["read order"],
        "refused": 0,
        "unexpected": 0,
    }
    assert outcome.code == 1
    # A request without an answer was not answered in time either.
    assert set(outcome.result["missed"]) == {"availability", "latency", "order-completion"}


def test_a_kept_connection_that_was_closed_beforehand_is_replaced(load: Load) -> None:
    with Shop(Faults(close_after_answer=True)) as shop:
        # A tenth of a second apart, so that the close has long arrived.
        outcome = load(shop, "--fresh-share", "0", "--rate", "10", "--order-rate", "0")
    assert outcome.code == 0, outcome.out
    assert set(Counter(seen.connection for seen in shop.seen).values()) == {1}


def test_requests_fall_due_while_the_server_stands_still_and_their_waiting_counts(load: Load) -> None:
    with Shop(Faults(stall=(0.3, 0.8))) as shop:
        outcome = load(shop, "--order-rate", "0", "--run-time", "1.2", latency=0.25)
    latency = outcome.objective("latency")
    assert latency["total"] == shop.steps.total() - 1 == 48
    # Forty a second fall due in the 0.55 seconds that are longer than 0.25 before the end: 22, less the timers' play.
    # A client that waits for answers would have had at most one slow request on each of its connections.
    assert latency["total"] - latency["good"] >= 18
    assert outcome.code == 1
    assert outcome.objective("order-completion")["verdict"] == "not asked"


def test_a_load_generator_that_stood_still_counts_the_lateness_and_owns_up(image: Path) -> None:
    arguments = ["--rate", "40", "--order-rate", "0", "--run-time", "1", "--json", "-"]
    with Shop() as shop:
        command = [sys.executable, "-m", "loadtests", "--host", shop.host, *arguments]
        with subprocess.Popen(command, cwd=image, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            while shop.steps["read item"] < 2:
                assert running.poll() is None
            running.send_signal(signal.SIGSTOP)
            time.sleep(0.6)  # how long the generator stands still: that is the fault
            running.send_signal(signal.SIGCONT)
            out, err = running.communicate(timeout=10)
    result = json.loads(out)
    assert out.count("\n") == 1
    assert result["requests"] == shop.steps.total() - 1 == 40
    assert result["missed"] == ["latency"]
    assert result["lateness"]["max"] >= 0.5
    assert "The load generator started 1 % of the visits more than" in err


def test_a_load_that_is_told_to_end_begins_nothing_more_and_judges_what_it_saw(image: Path) -> None:
    arguments = ["--rate", "40", "--order-rate", "10", "--run-time", "60", "--json", "-"]
    with Shop(Faults(final_after=1.0)) as shop:
        command = [sys.executable, "-m", "loadtests", "--host", shop.host, *arguments]
        with subprocess.Popen(command, cwd=image, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            while shop.steps["place order"] < 5:
                assert running.poll() is None
            running.send_signal(signal.SIGUSR1)
            out, err = running.communicate(timeout=20)
    result = json.loads(out)
    assert 0.4 < result["run_time"] < 10
    assert {order["status"] for order in result["orders"]} == {"paid"}
    assert set(result["failures"].values()) == {0}, err
    assert result["not_measured"] == []


def test_an_order_that_waits_for_a_token_counts_from_when_it_was_due(load: Load) -> None:
    with Shop(Faults(token_seconds=0, delay={"get token": 0.2})) as shop:
        outcome = load(shop, "--rate", "0", "--order-rate", "10", "--run-time", "0.3")
    assert shop.steps["register"] == 1
    assert shop.steps["get token"] == 1 + shop.steps["place order"] == 4
    assert outcome.result["steps"]["place order"]["p50"] >= 0.3
    assert all(order["seconds"] >= 0.2 for order in outcome.result["orders"])


def test_an_answer_that_no_journey_expects_bars_a_pass(load: Load) -> None:
    with Shop(Faults(status={"read item": 404})) as shop:
        outcome = load(shop)
    assert outcome.code == 1
    assert outcome.result["missed"] == []
    assert outcome.result["unexpected"] == {"read item: answered 404, not 200": shop.steps["read item"]}
    assert outcome.out.endswith(f"{shop.steps['read item']} responses were unexpected.\n")


def test_an_empty_catalog_is_no_pass_and_says_how_to_fill_it(load: Load) -> None:
    with Shop(Faults(items=())) as shop:
        outcome = load(shop, "--run-time", "0.3")
    assert outcome.code == 1
    assert outcome.result["not_measured"] == ["order-completion"]
    assert "python -m app seed" in outcome.out


def test_an_interrupted_run_gives_no_verdict(image: Path) -> None:
    with Shop() as shop:
        arguments = [sys.executable, "-m", "loadtests", "--host", shop.host]
        with subprocess.Popen(
            arguments, cwd=image, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            while not shop.orders:
                assert running.poll() is None
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=10)
    assert running.returncode == 130
    assert out == ""
    assert err.endswith("Stopped before the end: no verdict.\n")
    assert "Traceback" not in err
