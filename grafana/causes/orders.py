"""Causes in orders and jobs: stuck, failed, late, and no free slot."""

from collections.abc import Iterator
from typing import Final

from grafana.alert import WHERE, Alert
from grafana.clock import Clock
from grafana.promql import BY, select
from grafana.slo_file import Slos

STUCK_SECONDS: Final = 300
JOBS_LATE_SECONDS: Final = 900
PAYMENTS: Final = 'topic=~"pay_order|refund_order"'  # e-mails and reports may wait; payments may not
OTHER_JOBS: Final = 'topic!~"pay_order|refund_order"'
_NO_SLOT: Final = 'reason="no_slot"'
_BOARD: Final = "binnacle-orders"


def alerts(slos: Slos, clock: Clock) -> Iterator[Alert]:
    pending = f"sum {BY} ({select('jobs_pending', PAYMENTS)}) >= {slos.minimum_bad_events}"
    oldest = f"max {BY} ({select('jobs_oldest_age_seconds', PAYMENTS)}) > {STUCK_SECONDS}"
    yield Alert(
        name="BinnacleOrdersStuck",
        expr=f"{oldest}\nand\n{pending}",
        hold="1m",
        severity="page",
        summary=f"{WHERE} accepts orders but does not finish them.",
        description=(
            "The oldest payment or refund has waited for {{ $value | humanizeDuration }}. Customers wait, and the"
            " order-completion objective does not count an order before it is final. Check the workers and the queue."
        ),
        board=_BOARD,
    )
    yield Alert(
        name="BinnacleDeadLetters",
        expr=f"max {BY} ({select('outbox_dead_letters')}) > 0",
        hold="1m",
        severity="ticket",
        summary=f"{WHERE} has dead-lettered jobs.",
        description=(
            "{{ $value }} jobs failed at every attempt and are not retried automatically. An order may be neither paid"
            " nor failed, or a refund may be missing. Fix the cause first, then retry the dead letters."
        ),
        board=_BOARD,
    )
    window = clock.range(15)
    failed = select("orders_finished_total", 'status="failed"')
    finished = select("orders_finished_total")
    yield Alert(
        name="BinnaclePaymentsFail",
        expr=(
            f"sum {BY} (rate({failed}[{window}]))\n/ sum {BY} (rate({finished}[{window}])) > 0.5\nand\n"
            f"sum {BY} (increase({failed}[{window}])) >= {slos.minimum_bad_events}"
        ),
        hold=clock.hold(5),
        severity="ticket",
        summary=f"{WHERE} fails most of its orders.",
        description=(
            "{{ $value | humanizePercentage }} of the finished orders failed: the payment provider declines the cards,"
            " or no attempt succeeds. No objective counts this, since the orders are final in time. Ask the provider."
        ),
        board=_BOARD,
    )
    late = select("jobs_oldest_age_seconds", OTHER_JOBS)
    yield Alert(
        name="BinnacleJobsLate",
        expr=f"max by (namespace, release, topic) ({late}) > {JOBS_LATE_SECONDS}",
        hold=clock.hold(5),
        severity="ticket",
        summary=f"{WHERE} does not get to its {{{{ $labels.topic }}}} jobs.",
        description=(
            "The oldest {{ $labels.topic }} job has waited for {{ $value | humanizeDuration }}. E-mails or reports are"
            " late; orders are not affected."
        ),
        board=_BOARD,
    )
    yield Alert(
        name="BinnacleWorkerSlotsFull",
        expr=f"sum {BY} (rate({select('jobs_postponed_total', _NO_SLOT)}[{clock.range(5)}])) > 0",
        hold=clock.hold(10),
        severity="ticket",
        summary=f"The workers of {WHERE} have no free slot.",
        description=(
            "Jobs are postponed because all slots that their dependency may have are taken. Either more jobs arrive"
            " than the workers can do, or a dependency answers slowly."
        ),
        board=_BOARD,
    )
