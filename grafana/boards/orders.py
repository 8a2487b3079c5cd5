"""Orders and jobs: from placed to paid, the outbox, the workers, and mail."""

from collections.abc import Iterator

from grafana.board import Board
from grafana.board_queries import highest, quantile, quantiles, rate, share
from grafana.causes.orders import PAYMENTS, STUCK_SECONDS
from grafana.panels import Graph, Line, Panel, Query
from grafana.slo_file import Objective

PROVIDER = 'target="payments"'
PLACED_AND_FINISHED = [
    Query(rate("", "orders_placed_total"), "placed"),
    Query(rate("status", "orders_finished_total"), "{{status}}"),
]
THIRD, QUARTER, HALF = 8, 6, 12


def orders(completion: Objective) -> Board:
    return Board(
        "binnacle-orders",
        "Binnacle: orders and jobs",
        "Orders from placed to final, the payment provider, pending jobs, workers, dead letters and mail.",
        {
            "Orders": list(_orders(completion.threshold_seconds or 0)),
            "Pending": list(_pending()),
            "Workers": list(_workers()),
        },
    )


def _orders(threshold_seconds: float) -> Iterator[Panel]:
    yield Graph(
        "Orders placed and finished",
        "Orders per second. If fewer are finished than placed, the backlog grows.",
        "ops",
        PLACED_AND_FINISHED,
        width=QUARTER,
    )
    yield Graph(
        "Orders that failed",
        "Share of finished orders that failed: the provider declined the payment, or all attempts failed. 0 while no"
        " order finishes.",
        "percentunit",
        [Query(share("", "orders_finished_total", 'status="failed"'), "failed")],
        width=QUARTER,
    )
    yield Graph(
        "Time to finish an order",
        "Percentiles (50, 95, 99) of the time from placed to paid or failed. Dashed: the threshold of the"
        " order-completion objective.",
        "s",
        quantiles("order_processing_duration_seconds"),
        width=QUARTER,
        lines=[Line(threshold_seconds, "red")],
    )
    yield Graph(
        "Orders of the last hour",
        "Orders placed within the last hour, by their present status.",
        "none",
        [Query(highest("status", "orders_recent"), "{{status}}")],
        width=QUARTER,
    )
    yield Graph(
        "Cancelled, refunded, repeated",
        "Orders per second that were cancelled, by their status before, and refunded; requests that repeated an order"
        " under its Idempotency-Key.",
        "ops",
        [
            Query(rate("was", "orders_cancelled_total"), "cancelled, {{was}}"),
            Query(rate("", "orders_refunded_total"), "refunded"),
            Query(rate("", "orders_replayed_total"), "repeated"),
        ],
        width=THIRD,
    )
    yield Graph(
        "Provider calls",
        "Calls to the payment provider per second, by outcome.",
        "ops",
        [Query(rate("outcome", "dependency_requests_total", PROVIDER), "{{outcome}}")],
        width=THIRD,
    )
    yield Graph(
        "Provider latency",
        "Percentiles (50, 95, 99) of the duration of calls to the payment provider.",
        "s",
        quantiles("dependency_request_duration_seconds", PROVIDER),
        width=THIRD,
    )


def _pending() -> Iterator[Panel]:
    yield Graph(
        "Outbox backlog",
        "Pending jobs in the database by topic; the five topics with the most.",
        "none",
        [Query(f"topk(5, {highest('topic', 'jobs_pending')})", "{{topic}}")],
        width=QUARTER,
    )
    yield Graph(
        "Age of the oldest in the outbox",
        "Age of the oldest pending payment or refund. Dashed: the age at which BinnacleOrdersStuck fires.",
        "s",
        [Query(highest("", "jobs_oldest_age_seconds", PAYMENTS), "oldest")],
        width=QUARTER,
        lines=[Line(STUCK_SECONDS, "red")],
    )
    yield Graph(
        "Outbox as a whole",
        "Pending messages of all topics, and the age in seconds of the oldest, on a logarithmic axis.",
        "none",
        [
            Query(highest("", "outbox_pending_messages"), "pending"),
            Query(highest("", "outbox_oldest_message_age_seconds"), "oldest, seconds"),
        ],
        width=QUARTER,
        logarithmic=True,
    )
    yield Graph(
        "Jobs queued again",
        "Jobs per second that the reconciler queued again because no worker had finished them. Above 0, the queue loses"
        " messages or the workers are too slow.",
        "ops",
        [Query(rate("", "outbox_requeued_total"), "queued again")],
        width=QUARTER,
    )


def _workers() -> Iterator[Panel]:
    yield Graph(
        "Wait before a job, p95",
        "95th percentile of the time from the request of a job to the start of its first attempt, by topic, on a"
        " logarithmic axis.",
        "s",
        [Query(quantile(0.95, "topic", "job_wait_seconds"), "{{topic}}")],
        width=THIRD,
        logarithmic=True,
    )
    yield Graph(
        "Duration of a job, p95",
        "95th percentile of the duration of one attempt, by topic, on a logarithmic axis.",
        "s",
        [Query(quantile(0.95, "topic", "job_duration_seconds"), "{{topic}}")],
        width=THIRD,
        logarithmic=True,
    )
    yield Graph(
        "Jobs by outcome",
        "Job attempts per second: done; again (one time slice of a long job); later (failed, will be retried); dead"
        " (failed at every attempt, dead-lettered); not_ours (another worker took the job over).",
        "ops",
        [Query(rate("outcome", "jobs_finished_total"), "{{outcome}}")],
        width=THIRD,
    )
    yield Graph(
        "Jobs postponed",
        "Jobs per second that were not started, because the circuit breaker of their dependency is open or no slot is"
        " free.",
        "ops",
        [Query(rate("reason", "jobs_postponed_total"), "{{reason}}")],
        width=QUARTER,
    )
    yield Graph(
        "Dead letters",
        "Jobs that failed at every attempt and wait for an operator.",
        "none",
        [Query(highest("", "outbox_dead_letters"), "dead")],
        width=QUARTER,
    )
    yield Graph(
        "Queue messages dropped",
        "Messages per second that came out of the queue and could not be read. The jobs are in the database, and the"
        " reconciler queues them again.",
        "ops",
        [Query(rate("reason", "queue_messages_dropped_total"), "{{reason}}")],
        width=QUARTER,
    )
    yield Graph(
        "Mail",
        "E-mails per second handed to the mail provider, by outcome.",
        "ops",
        [Query(rate("outcome", "dependency_requests_total", 'target="mail"'), "{{outcome}}")],
        width=QUARTER,
    )
