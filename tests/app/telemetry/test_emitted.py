"""The pytest plugin that checks what tests emit against the telemetry inventory."""

import pytest

from scripts.inventory.model import Inventory, load
from tests.support.emitted import Emitted


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load()


def _line(event: str, **fields: object) -> dict[str, object]:
    return {"timestamp": "now", "level": "info", "event": event, **fields}


def test_known_telemetry_is_no_problem(inventory: Inventory) -> None:
    emitted = Emitted()
    emitted.line(_line("mail_sent", topic="mail_welcome", account_id="1", trace_id="2"))
    emitted.line(_line("Started server process", logger="uvicorn.error"))
    emitted.metrics.add(("logins_total", (("outcome", "ok"),)))
    emitted.metrics.add(("http_requests_total", (("method", "GET"), ("route", "/any"), ("status", "200"))))
    emitted.span("client", "SELECT items", ["db.system.name", "db.query.text"])
    emitted.span("server", "GET /api/v1/items/{item_id}", ["http.route"])
    assert emitted.unknown(inventory) == []


def test_unknown_telemetry_is_named(inventory: Inventory) -> None:
    emitted = Emitted()
    emitted.line(_line("mail_lost"))
    emitted.line(_line("mail_sent", to="somebody"))
    emitted.metrics.add(("logins_total", (("outcome", "perhaps"),)))
    emitted.metrics.add(("logins_total", (("result", "ok"),)))
    emitted.metrics.add(("goodbyes_total", ()))
    emitted.span("client", "SELECT items", ["db.user"])
    emitted.span("internal", "a loop", [])
    assert emitted.unknown(inventory) == [
        "the event mail_lost was logged",
        "the event mail_sent was logged with to",
        "the metric goodbyes_total was counted with {}",
        "the metric logins_total was counted with {'outcome': 'perhaps'}",
        "the metric logins_total was counted with {'result': 'ok'}",
        "the client span 'SELECT items' was recorded with db.user",
        "the internal span 'a loop' was recorded",
    ]


def test_entries_that_no_test_emits_are_named_and_one_process_suffices(inventory: Inventory) -> None:
    there, here = Emitted(), Emitted()
    there.line(_line("mail_sent", topic="mail_welcome"))
    there.metrics.add(("logins_total", (("outcome", "ok"),)))
    there.span("internal", "transaction", ["db.system.name"])
    entries = {"the event mail_sent", "the metric logins_total", "the span database_transaction"}
    assert entries <= set(here.silent(inventory))
    here.hear(there.told())
    assert entries.isdisjoint(here.silent(inventory))
    assert here.told() == there.told()
