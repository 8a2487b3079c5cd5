"""The number of series is that of the service's own routes, whatever clients request."""

import random
import string
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from app.processes.api import Binnacle, create_app
from app.settings import Settings
from app.telemetry.requests.routes import METHODS, OTHER_METHOD
from tests.support.asgi_scopes import http_scope
from tests.support.recorded_telemetry import Logs

pytestmark = pytest.mark.anyio

REQUESTS = 10_000
# A word of the caller in every position of a path.
PATHS = ("/{}", "/{}/{}", "/api/v1/{}", "/api/v1/items/{}", "/api/v2/items/{}", "/api/v1/{}/{}", "/livez/{}", "/ws/{}")
SEED = 7
_NO_HOST = str.maketrans("", "", "%@~")


def _word(chance: random.Random) -> str:
    return "zq" + "".join(chance.choices(string.ascii_letters + string.digits + "-_.%@~", k=chance.randint(1, 40)))


def _requests(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Each kind of request once as (method, path), and then random ones."""
    kinds = list(product([*sorted(METHODS), ""], PATHS))
    for number in range(REQUESTS):
        method, path = kinds[number] if number < len(kinds) else chance.choice(kinds)
        yield method or _word(chance).upper(), path.format(_word(chance), _word(chance))


async def _request(binnacle: Binnacle, chance: random.Random, method: str, path: str) -> int:
    statuses: list[int] = []
    names = (b"user-agent", b"x-request-id", b"traceparent", b"tracestate", b"referer", b"x-api-version")

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    query = f"{_word(chance)}={_word(chance)}".encode()
    # An invalid Host would be refused before the request is routed.
    headers = [(b"host", _word(chance).translate(_NO_HOST).encode())]
    headers += [(name, _word(chance).encode()) for name in names]
    scope = http_scope(method, path, query=query, headers=headers)
    await binnacle(scope, receive, send)
    return statuses[0]


def _series(binnacle: Binnacle) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in binnacle.telemetry.registry.collect()
        for sample in family.samples
    }


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_ten_thousand_strange_requests_add_no_series(settings: Settings, recorded: Logs) -> None:
    chance = random.Random(SEED)
    room = {"rate_limit_reads": 10**9, "rate_limit_writes": 10**9}
    binnacle = create_app(settings.model_copy(update=room))
    kinds = len(PATHS) * (len(METHODS) + 1)
    known: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    async with binnacle.app.router.lifespan_context(binnacle.app):
        for number, (method, path) in enumerate(_requests(chance)):
            if number == kinds:
                known = _series(binnacle)
            await _request(binnacle, chance, method, path)
        after = _series(binnacle)
    assert after == known
    values = {(name, value) for _, labels in after for name, value in labels}
    assert not {value for _, value in values if "zq" in value.lower()}
    assert {value for name, value in values if name == "method"} <= METHODS | {OTHER_METHOD}
    counted = sum(
        sample.value
        for family in binnacle.telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "http_requests_total"
    )
    assert counted == REQUESTS
    assert not [line for line in recorded.lines("http_request") if "zq" in str(line["path"])]
