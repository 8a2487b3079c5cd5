"""The alerts on what the objectives can't see."""

from tests.system.promtool import Promtool, Series

STUCK = "BinnacleOrdersStuck, page"


def outbox(age: str, pending: str) -> list[Series]:
    payments = 'topic="pay_order"'
    return [Series("jobs_oldest_age_seconds", age, payments), Series("jobs_pending", pending, payments)]


def up(component: str, pod: str, values: str) -> Series:
    return Series("up", values, f'component="{component}",pod="{pod}"')


def test_orders_that_wait_page_although_none_was_finished_late(promtool: Promtool) -> None:
    series = outbox("0+30x40", "0+2x40")
    promtool.fires(series, {"5m": [], "7m": [STUCK]})


def test_a_single_order_that_waits_wakes_nobody(promtool: Promtool) -> None:
    promtool.fires(outbox("0+30x60", "1x60"), {"30m": []})


def test_a_long_queue_that_moves_wakes_nobody(promtool: Promtool) -> None:
    promtool.fires(outbox("20x60", "500x60"), {"30m": []})


def test_letters_that_wait_wake_nobody(promtool: Promtool) -> None:
    letters = 'topic="mail_receipt"'
    waiting = [Series("jobs_oldest_age_seconds", "0+30x60", letters), Series("jobs_pending", "500x60", letters)]
    promtool.fires(waiting, {"30m": []})


def test_a_job_that_was_given_up_makes_a_ticket(promtool: Promtool) -> None:
    promtool.fires([Series("outbox_dead_letters", "0x10 1x30")], {"5m": [], "12m": ["BinnacleDeadLetters, ticket"]})


def test_a_component_that_nobody_can_scrape_pages(promtool: Promtool) -> None:
    series = [up("api", "a", "1x10 0x30"), up("api", "b", "1x10 0x30"), up("worker", "c", "1x40")]
    missing = [('{alertname="BinnacleMetricsMissing",component="api"}', 1.0)]
    promtool.says(series, 'count by (alertname, component) (ALERTS{alertstate="firing"})', {"9m": [], "12m": missing})


def test_one_replica_that_is_gone_wakes_nobody(promtool: Promtool) -> None:
    promtool.fires([up("api", "a", "1x10 0x30"), up("api", "b", "1x40")], {"18m": []})
