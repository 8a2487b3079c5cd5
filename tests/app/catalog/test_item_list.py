"""The fast path of the item list answers exactly as the framework does."""

from uuid import uuid4

import httpx2
import pytest

from app.api import fast_item_reads
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio
OF_EACH_REQUEST = {"x-request-id", "x-process-time", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}
QUERIES = [
    "",
    "per_page=2&page=2",
    "sort=-price&min_price=1.50&max_price=300&currency=EUR",
    "search=%C3%A4+%25_/&status=paused",
    f"owner_id={uuid4()}",
    "page=2&page=1",
    "page=999",
    "page=0",
    "page=",
    "min_price=5&max_price=1",
    "unknown=1&unknown=2",
    "sort=stock",
    "owner_id=nobody",
    "search=%ff%fe",
    "search=" + "x" * 1100,
    "per_page=5;page=1",
    "&&page=1&",
]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_query_gets_the_answer_of_the_framework(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await api.login()
    for price in ("2.00", "1999.90", "3.05"):
        await offer(client, price=price)
    for query in QUERIES:
        mine = await client.get(f"{URL}?{query}")
        with monkeypatch.context() as patch:
            patch.setattr(fast_item_reads, "_MAX_QUERY_BYTES", -1)
            framework = await client.get(f"{URL}?{query}")
        assert _shown(mine) == _shown(framework), query
    counted = api.binnacle.telemetry.registry.get_sample_value
    assert counted("http_requests_total", {"method": "GET", "route": URL, "status": "200"}) == 2 * 9


def _shown(answer: httpx2.Response) -> tuple[int, object, list[tuple[str, str]]]:
    body = answer.json()
    if answer.status_code != httpx2.codes.OK:
        body |= {"request_id": "", "trace_id": ""}
    headers = [pair for pair in answer.headers.items() if pair[0] not in OF_EACH_REQUEST]
    return answer.status_code, answer.content if answer.is_success else body, headers
