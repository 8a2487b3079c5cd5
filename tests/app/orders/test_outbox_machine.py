"""No sequence of events loses or double-charges an order, and each charge of a cancelled order is refunded once."""

import asyncio
import itertools
import shutil
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
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
from app.infra.http_client import open_client
from app.infra.outbox import repository as outbox
from app.orders import repository as orders
from app.orders.commands.refund import REFUND_ORDER
from app.orders.errors import NotCancellableError
from app.settings import read
from tests.app.orders.shop import CLAIM_SECONDS, STOCK, Shop, open_shop
from tests.support.ports import free_port

Behaviour = Literal["good", "declines", "fails", "refuses", "absent"]
BEHAVIOUR: dict[Behaviour, dict[str, float]] = {
    "good": {},
    "declines": {"decline_rate": 1},
    "fails": {"error_rate": 1},  # it is done nevertheless, and the answer is lost
    "refuses": {"fail_rate": 1},
}
DOES: set[Behaviour] = {"good", "declines", "fails"}
ANSWERS: set[Behaviour] = {"good", "declines"}
MAX_ORDERS = 3  # with more orders, each meets fewer events
ANY_BEHAVIOUR: tuple[Behaviour, ...] = ("good", "declines", "fails", "refuses", "absent")
CrashPoint = Literal["before the start", "after the start", "after the provider's call"]
CRASH_POINTS: tuple[CrashPoint, ...] = ("before the start", "after the start", "after the provider's call")
BEHAVIOURS = st.sampled_from(ANY_BEHAVIOUR)


@dataclass(slots=True)
class Work:
    """A message. `held_until` is in seconds of the state machine's clock."""

    message: UUID
    held_until: float = float("-inf")
    done: bool = False


@dataclass(slots=True)
class Expected:
    """Expected state of one order; `started` if the provider may have been called, `refunded` by the ledger."""

    order: UUID
    quantity: int
    payment: Work
    repayment: Work | None = None
    status: str = "pending"
    refund: str = "none"
    started: bool = False
    charged: str | None = None
    refunded: bool = False


class Outbox(RuleBasedStateMachine):
    """Late, dying and concurrent workers; buyers who cancel; a provider of varying behaviour; a clock that jumps."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.orders: list[Expected] = []
        self.behaviour: Behaviour = "good"
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize(cancels_open_orders=st.booleans())
    def open(self, cancels_open_orders: bool) -> None:  # noqa: FBT001 -- hypothesis names it
        self.cancels_open_orders = cancels_open_orders  # a buyer who cancels whatever is not completed
        shutil.copy(self.template, self.folder / "binnacle.db")
        made = read(state_dir=self.folder, _env_file=None)
        self.shop: Shop = self.run(self.stack.enter_async_context(open_shop(made)))
        unreachable = open_client(f"http://127.0.0.1:{free_port()}", 1, self.shop.tracing)
        self.absent = self.run(self.stack.enter_async_context(unreachable))
        self.place(1)  # a sequence without an order shows nothing

    @precondition(lambda self: len(self.orders) < MAX_ORDERS)
    @rule(quantity=st.integers(1, 3))
    def place(self, quantity: int) -> None:
        message = self.run(self.shop.order(quantity))
        self.orders.append(Expected(self.run(self.shop.order_of(message)), quantity, Work(message)))

    def change_behaviour(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.run(self.shop.behave(**BEHAVIOUR.get(behaviour, {})))

    @rule(seconds=st.sampled_from([10, 20, 40]))
    def wait(self, seconds: int) -> None:
        self.clock += seconds
        self.run(self.shop.pass_time(seconds))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 2))
    def cancel(self, number: int) -> None:
        expected = self._pick(number)
        if expected.status == "failed":
            with pytest.raises(NotCancellableError):
                self.run(self.shop.cancel(expected.order))
            return
        if expected.status != "cancelled":
            expected.refund = "pending" if expected.status == "paid" or expected.started else "none"
            expected.status = "cancelled"
        assert self.run(self.shop.cancel(expected.order)).status == "cancelled"
        expected.repayment = expected.repayment or Work(self.run(self.shop.message(REFUND_ORDER, expected.order)))

    @precondition(lambda self: self.orders)
    @rule(number=st.integers(0, 2), behaviour=BEHAVIOURS)
    def pay(self, number: int, behaviour: Behaviour) -> None:
        self.change_behaviour(behaviour)
        self._pay(self._pick(number))

    @precondition(lambda self: any(order.repayment for order in self.orders))
    @rule(number=st.integers(0, 2), behaviour=BEHAVIOURS)
    def repay(self, number: int, behaviour: Behaviour) -> None:
        self.change_behaviour(behaviour)
        self._repay(self._cancelled(number))

    @precondition(lambda self: self.orders)
    @rule(
        number=st.integers(0, 2),
        crash_point=st.sampled_from(CRASH_POINTS),
    )
    def crash_during_payment(self, number: int, crash_point: CrashPoint) -> None:
        expected = self._pick(number)
        if not self._claimed(expected.payment) or crash_point == "before the start":
            return
        started = self.run(self._start(expected.order))
        assert started == (expected.status == "pending")
        expected.started |= started
        if started and crash_point == "after the provider's call":
            self._call_charge(expected)

    @precondition(lambda self: any(order.repayment for order in self.orders))
    @rule(number=st.integers(0, 2), crash_point=st.sampled_from(["before the start", "after the provider's call"]))
    def crash_during_refund(self, number: int, crash_point: CrashPoint) -> None:
        expected = self._cancelled(number)
        assert expected.repayment is not None
        if not self._claimed(expected.repayment) or crash_point == "before the start" or self.behaviour not in DOES:
            return
        if expected.charged == "succeeded":
            with suppress(UnavailableError):
                self.run(self._call_provider("refund", expected.order))
            expected.refunded = True

    @precondition(lambda self: any(order.started for order in self.orders))
    @rule(number=st.integers(0, 2))
    def a_delayed_charge_arrives(self, number: int) -> None:
        """A charge arrives late: its worker was paused or its packets were lost."""
        late = [order for order in self.orders if order.started]
        self._call_charge(late[-1 - number % len(late)])

    @rule(behaviour=BEHAVIOURS)
    def reconcile(self, behaviour: Behaviour) -> None:
        self.change_behaviour(behaviour)
        self.shop.queued.clear()
        self.run(self.shop.reconciler.look())
        queued = set(self.shop.queued)
        assert len(queued) == len(self.shop.queued)
        for expected in list(self.orders):
            for work, handle in ((expected.payment, self._pay), (expected.repayment, self._repay)):
                if work is not None and work.message in queued:
                    assert self._free(work)
                    handle(expected)

    @invariant()
    def shop_and_ledger_agree(self) -> None:
        if not self.orders:
            return
        charges, refunds = self.run(self.shop.charges()), self.run(self.shop.refunds())
        assert _references(charges) == sorted(str(order.order) for order in self.orders if order.charged)
        assert _references(refunds) == sorted(str(order.order) for order in self.orders if order.refunded)
        for expected in self.orders:
            order = self.run(self.shop.see(expected.order))
            assert (order.status, order.refund) == (expected.status, expected.refund)
            assert (order.failure_reason is not None) == (expected.status == "failed")
            assert (order.refunded_at is not None) == (expected.refund == "refunded")
        kept = sum(order.quantity for order in self.orders if order.status in ("pending", "paid"))
        assert self.run(self.shop.stock()) == STOCK - kept

    def teardown(self) -> None:
        try:
            if self.orders:
                for number in range(len(self.orders) if self.cancels_open_orders else 0):
                    if self._pick(number).status == "pending":
                        self.cancel(number)
                self.process_everything()
                self.shop_and_ledger_agree()
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    def process_everything(self) -> None:
        for _ in range(2):  # once for the claims of dead workers, once for what those messages enqueue
            self.wait(40)
            self.reconcile("good")
        for expected in self.orders:
            assert expected.status != "pending", "lost"
            owed = expected.status == "cancelled" and expected.charged == "succeeded"
            assert expected.refunded == owed, "to give back what was charged for nothing, once"
            assert expected.refund == ("refunded" if owed else "none")

    def _pick(self, number: int) -> Expected:
        return self.orders[-1 - number % len(self.orders)]

    def _cancelled(self, number: int) -> Expected:
        cancelled = [order for order in self.orders if order.repayment]
        return cancelled[-1 - number % len(cancelled)]

    def _free(self, work: Work) -> bool:
        return not work.done and work.held_until <= self.clock

    def _claimed(self, work: Work) -> bool:
        """Claims a message for a worker that dies before it finishes."""
        free = self._free(work)
        assert (self.run(self._claim(work.message)) is not None) == free
        if free:
            work.held_until = self.clock + CLAIM_SECONDS
        return free

    async def _claim(self, message: UUID) -> outbox.Claim | None:
        async with self.shop.database.write() as session:
            return await outbox.claim(session, message, CLAIM_SECONDS)

    async def _start(self, order_id: UUID) -> bool:
        async with self.shop.database.write() as session:
            return await orders.start_charge(session, order_id) is not None

    async def _call_provider(self, operation: Literal["charge", "refund"], order_id: UUID) -> None:
        async with self.shop.database.read() as session:
            order = await orders.payable(session, order_id)
        provider = self.shop.provider()
        await getattr(provider, operation)(order.id, order.total_minor, order.currency)

    def _call_charge(self, expected: Expected) -> None:
        if self.behaviour in DOES:
            with suppress(UnavailableError):
                self.run(self._call_provider("charge", expected.order))
            self._record_decision(expected)

    def _process(self, work: Work) -> str | None:
        """Returns the outcome; None if another worker has the claim."""
        worker = self.shop.worker(self.absent if self.behaviour == "absent" else None)
        free = self._free(work)
        outcome: str = self.run(worker.process(work.message))
        if not free:
            assert outcome == "not_ours"
            return None
        work.held_until = float("-inf")
        work.done = outcome != "later"
        return outcome

    def _pay(self, expected: Expected) -> None:
        outcome = self._process(expected.payment)
        if outcome is None:
            return
        if expected.status == "cancelled":
            assert outcome == "cancelled", "without asking anybody for anything"
            return
        expected.started = True
        if self.behaviour in DOES:
            self._record_decision(expected)
        if self.behaviour not in ANSWERS:
            assert outcome == "later"
            return
        expected.status = "paid" if expected.charged == "succeeded" else "failed"
        assert outcome == expected.status

    def _repay(self, expected: Expected) -> None:
        assert expected.repayment is not None
        outcome = self._process(expected.repayment)
        if outcome is None:
            return
        asked = expected.charged is None and expected.started
        if asked and self.behaviour in DOES:
            self._record_decision(expected)
        owed = expected.charged == "succeeded"
        if self.behaviour == "absent" or ((asked or owed) and self.behaviour not in ANSWERS):
            assert outcome == "later"
            expected.refunded |= owed and self.behaviour in DOES and not asked
            return
        assert outcome == ("refunded" if owed else "not_charged")
        expected.refunded |= owed
        expected.refund = "refunded" if owed else "none"

    def _record_decision(self, expected: Expected) -> None:
        """Records the provider's decision, which it makes at the first charge and keeps."""
        [charge] = self.run(self.shop.charges(expected.order))
        if expected.charged is None:
            assert charge["status"] == ("declined" if self.behaviour == "declines" else "succeeded")
        expected.charged = expected.charged or charge["status"]
        assert charge["status"] == expected.charged


def _references(lines: list[dict[str, Any]]) -> list[str]:
    return sorted(line["reference"] for line in lines)


def test_no_sequence_of_events_loses_or_double_charges_an_order(migrated_sqlite: Path) -> None:
    machine = type("Machine", (Outbox,), {"template": migrated_sqlite / "binnacle.db"})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("late", [False, True], ids=["", "late charge"])
def test_every_way_to_interrupt_a_payment_a_cancellation_and_a_refund(
    migrated_sqlite: Path,
    late: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """All short sequences; random search finds the long ones."""
    machine = type("Machine", (Outbox,), {"template": migrated_sqlite / "binnacle.db"})()
    try:
        machine.open(cancels_open_orders=False)
        openings: list[tuple[Behaviour, CrashPoint | None]] = [(behaviour, None) for behaviour in ANY_BEHAVIOUR]
        openings += [
            (behaviour, crash_point) for behaviour in ("good", "declines", "refuses") for crash_point in CRASH_POINTS
        ]
        endings: tuple[Behaviour, ...] = ("good", "fails") if late else ANY_BEHAVIOUR
        for (paying, crash_point), repaying in itertools.product(openings, endings):
            machine.change_behaviour("good")
            machine.place(1)
            if crash_point is None:
                machine.pay(0, paying)
            else:
                machine.change_behaviour(paying)
                machine.crash_during_payment(0, crash_point)
            machine.cancel(0)
            if machine.orders[-1].repayment:
                machine.repay(0, repaying)
            if late and machine.orders[-1].started:
                machine.change_behaviour("good")
                machine.a_delayed_charge_arrives(0)
            machine.process_everything()
        machine.shop_and_ledger_agree()
    finally:
        machine.teardown()
