"""Alerts on failures that the objectives do not cover."""

from tests.system.promtool import Promtool, Series

STUCK = "BinnacleOrdersStuck, page"


def outbox(age: str, pending: str) -> list[Series]:
    payments = 'topic="pay_order"'
    return [Series("jobs_oldest_age_seconds", age, payments), Series("jobs_pending", pending, payments)]


def up(component: str, pod: str, values: str) -> Series:
    return Series("up", values, f'component="{component}",pod="{pod}"')


def test_waiting_orders_page_although_none_has_finished_late(promtool: Promtool) -> None:
    series = outbox("0+30x40", "0+2x40")
    promtool.expect_firing(series, {"5m": [], "7m": [STUCK]})


def test_a_single_waiting_order_fires_no_alert(promtool: Promtool) -> None:
    promtool.expect_firing(outbox("0+30x60", "1x60"), {"30m": []})


def test_a_long_queue_that_progresses_fires_no_alert(promtool: Promtool) -> None:
    promtool.expect_firing(outbox("20x60", "500x60"), {"30m": []})


def test_waiting_emails_are_a_ticket_and_no_page(promtool: Promtool) -> None:
    receipts = 'topic="mail_receipt"'
    waiting = [Series("jobs_oldest_age_seconds", "0+30x60", receipts), Series("jobs_pending", "500x60", receipts)]
    promtool.expect_firing(waiting, {"15m": [], "30m": ["BinnacleJobsLate, ticket"]})


def test_a_dead_letter_fires_a_ticket(promtool: Promtool) -> None:
    promtool.expect_firing(
        [Series("outbox_dead_letters", "0x10 1x30")], {"5m": [], "12m": ["BinnacleDeadLetters, ticket"]}
    )


def test_a_component_that_can_not_be_scraped_pages(promtool: Promtool) -> None:
    series = [up("api", "a", "1x10 0x30"), up("api", "b", "1x10 0x30"), up("worker", "c", "1x40")]
    missing = [('{alertname="BinnacleMetricsMissing",component="api"}', 1.0)]
    promtool.expect_samples(
        series, 'count by (alertname, component) (ALERTS{alertstate="firing"})', {"9m": [], "12m": missing}
    )


def test_one_missing_replica_fires_no_alert(promtool: Promtool) -> None:
    promtool.expect_firing([up("api", "a", "1x10 0x30"), up("api", "b", "1x40")], {"18m": []})
