"""Whatever happens in whatever sequence: each order becomes final once, is charged once, and none is lost."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.errors import UnavailableError
from app.infra import schema
from app.infra.http_client import open_client
from app.orders import outbox
from app.orders.provider import Provider
from app.settings import read
from tests.app.orders.shop import CLAIM_SECONDS, STOCK, Shop, open_shop
from tests.app.ports import free_port

Mood = Literal["good", "declines", "fails", "absent"]
BEHAVIOUR: dict[Mood, dict[str, float]] = {"good": {}, "declines": {"decline_rate": 1}, "fails": {"error_rate": 1}}


@dataclass(slots=True)
class Expected:
    """What must be true of one order. `held_until` is a moment of the machine's clock."""

    message: UUID
    order: UUID
    quantity: int
    status: str = "pending"
    held_until: float = float("-inf")
    charged: str | None = None


class Outbox(RuleBasedStateMachine):
    """Workers that come late, die and meet; a provider of changing mood; a clock that jumps."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.orders: list[Expected] = []
        self.mood: Mood = "good"
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        shutil.copy(self.template, self.folder / "binnacle.db")
        made = read(state_dir=self.folder, _env_file=None)
        self.shop: Shop = self.run(self.stack.enter_async_context(open_shop(made)))
        nobody = open_client(f"http://127.0.0.1:{free_port()}", 1, self.shop.tracing)
        self.absent = self.run(self.stack.enter_async_context(nobody))

    @rule(quantity=st.integers(1, 3))
    def place(self, quantity: int) -> None:
        message = self.run(self.shop.order(quantity))
        order = self.run(self.shop.order_of(message))
        self.orders.append(Expected(message, order, quantity))

    @rule(mood=st.sampled_from(["good", "declines", "fails", "absent"]))
    def change_mood(self, mood: Mood) -> None:
        self.mood = mood
        self.run(self.shop.behave(**BEHAVIOUR.get(mood, {})))

    @rule(seconds=st.sampled_from([10, 20, 40]))
    def wait(self, seconds: int) -> None:
        self.clock += seconds
        self.run(self.shop.pass_time(seconds))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 5))
    def work(self, number: int) -> None:
        self._process(self._pick(number))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 5), charges=st.booleans())
    def die_at_work(self, number: int, charges: bool) -> None:  # noqa: FBT001 -- hypothesis names it
        expected = self._pick(number)
        claim = self.run(self._claim(expected.message))
        assert (claim is not None) == self._free(expected)
        if claim is None:
            return
        expected.held_until = self.clock + CLAIM_SECONDS
        if charges and self.mood != "absent":
            provider = Provider(self.shop.client, self.shop.metrics)
            with suppress(UnavailableError):
                self.run(provider.charge(claim.order_id, claim.amount_minor, claim.currency))
            self._learn(expected)

    @rule()
    def reconcile(self) -> None:
        self.shop.queued.clear()
        self.run(self.shop.reconciler.look())
        queued = set(self.shop.queued)
        assert len(queued) == len(self.shop.queued)
        assert queued <= {expected.message for expected in self.orders if self._free(expected)}
        for expected in self.orders:
            if expected.message in queued:
                self._process(expected)

    @invariant()
    def each_order_is_charged_once_and_stands_as_it_should(self) -> None:
        if not self.orders:
            return
        charges = self.run(self.shop.charges())
        assert sorted(charge["reference"] for charge in charges) == sorted(
            str(expected.order) for expected in self.orders if expected.charged
        )
        for expected in self.orders:
            status, reason = self.run(self.shop.status(expected.message))
            assert status == expected.status
            assert (reason is not None) == (status == "failed")
        kept = sum(expected.quantity for expected in self.orders if expected.status != "failed")
        assert self.run(self.shop.stock()) == STOCK - kept
        for status in ("paid", "failed"):
            final = sum(expected.status == status for expected in self.orders)
            assert self.shop.counted("orders_finished_total", status=status) == final

    def teardown(self) -> None:
        try:
            if self.orders:
                self.change_mood("good")
                for _ in range(2):  # once for what a dead worker holds, once for what it then finds
                    self.wait(40)
                    self.reconcile()
                assert {expected.status for expected in self.orders} <= {"paid", "failed"}, "lost"
                self.each_order_is_charged_once_and_stands_as_it_should()
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    def _pick(self, number: int) -> Expected:
        return self.orders[-1 - number % len(self.orders)]

    def _free(self, expected: Expected) -> bool:
        return expected.status == "pending" and expected.held_until <= self.clock

    async def _claim(self, message: UUID) -> outbox.Claim | None:
        async with self.shop.database.write() as session:
            return await outbox.claim(session, message, CLAIM_SECONDS)

    def _process(self, expected: Expected) -> None:
        worker = self.shop.worker(self.absent if self.mood == "absent" else None)
        free = self._free(expected)
        outcome = self.run(worker.process(expected.message))
        if not free:
            assert outcome == "not_ours"
            return
        expected.held_until = float("-inf")
        if self.mood != "absent":
            self._learn(expected)
        if self.mood in ("absent", "fails"):
            assert outcome == "later"
            return
        expected.status = "paid" if expected.charged == "succeeded" else "failed"
        assert outcome == expected.status

    def _learn(self, expected: Expected) -> None:
        """The provider decides at the first charge, and stays with it."""
        [charge] = [c for c in self.run(self.shop.charges()) if c["reference"] == str(expected.order)]
        if expected.charged is None:
            assert charge["status"] == ("declined" if self.mood == "declines" else "succeeded")
        expected.charged = expected.charged or charge["status"]
        assert charge["status"] == expected.charged


def test_no_sequence_of_events_loses_or_doubles_an_order(tmp_path: Path) -> None:
    made = read(state_dir=tmp_path, _env_file=None)
    schema.migrate(made)
    machine = type("Machine", (Outbox,), {"template": tmp_path / "binnacle.db"})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
