"""The route label of a request is a template or a constant, for every composition of applications."""

from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import SAMPLED, UNSAMPLED, Observed, observed

pytestmark = pytest.mark.anyio


def _application() -> FastAPI:
    leaf = APIRouter(prefix="/things")

    @leaf.get("/{thing_id}")
    async def thing(thing_id: str) -> str:
        return thing_id

    @leaf.post("")
    async def create() -> str:
        return "made"

    middle = APIRouter(prefix="/v1")
    middle.include_router(leaf)
    app = FastAPI()

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    app.include_router(middle, prefix="/api")
    app.include_router(leaf, prefix="/again")
    inner = FastAPI()

    @inner.get("/leaf/{leaf_id}")
    async def inner_leaf(leaf_id: str) -> str:
        return leaf_id

    app.mount("/mounted", inner)

    async def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("page")

    app.router.routes.append(Mount("/old", routes=[Route("/page/{page_id}", page)]))
    return app


@pytest.fixture
async def application(collector: Receiver) -> AsyncIterator[Observed]:
    async with observed(_application(), collector.endpoint) as it:
        yield it


@pytest.mark.parametrize("headers", [SAMPLED, UNSAMPLED], ids=["sampled", "unsampled"])
@pytest.mark.parametrize(
    ("method", "path", "status", "label"),
    [
        ("GET", "/plain", 200, ("GET", "/plain")),
        ("GET", "/api/v1/things/7", 200, ("GET", "/api/v1/things/{thing_id}")),
        ("GET", "/again/things/7?token=t0p", 200, ("GET", "/again/things/{thing_id}")),
        ("POST", "/api/v1/things", 200, ("POST", "/api/v1/things")),
        ("GET", "/mounted/leaf/7", 200, ("GET", "/mounted/leaf/{leaf_id}")),
        ("GET", "/old/page/7", 200, ("GET", "/old/page/{page_id}")),
        ("GET", "/nothing/7", 404, ("GET", "unmatched")),
        ("GET", "/api/v1/things/7/8", 404, ("GET", "unmatched")),
        ("GET", "/mounted/7", 404, ("GET", "unmatched")),
        ("DELETE", "/api/v1/things/7", 405, ("DELETE", "/api/v1/things/{thing_id}")),
        ("HEAD", "/api/v1/things/7", 405, ("HEAD", "/api/v1/things/{thing_id}")),
        ("QUERY", "/plain", 405, ("QUERY", "/plain")),
        ("POST", "/mounted/leaf/7", 405, ("POST", "/mounted/leaf/{leaf_id}")),
        ("BREW", "/plain", 405, ("OTHER", "/plain")),
        ("brew", "/nothing", 404, ("OTHER", "unmatched")),
        ("GET", "/api/v1/things/7/", 307, ("GET", "unmatched")),
        ("GET", "/mounted", 307, ("GET", "unmatched")),
    ],
)
async def test_each_request_is_counted_once_under_its_template(
    application: Observed,
    method: str,
    path: str,
    status: int,
    label: tuple[str, str],
    headers: dict[str, str],
) -> None:
    answer = await application.client.request(method, path, headers=headers)
    assert answer.status_code == status
    [(counted, number)] = application.requests().items()
    assert (counted, number) == ((*label, str(status)), 1)
    duration = application.registry.get_sample_value(
        "http_request_duration_seconds_count", {"method": label[0], "route": label[1]}
    )
    assert duration == 1
    assert application.registry.get_sample_value("http_requests_in_progress") == 0


async def test_documented_routes_start_at_0(application: Observed) -> None:
    for status in (200, 500, 503):
        assert application.counted("GET", "/api/v1/things/{thing_id}", status) == 0
    assert application.counted("POST", "/api/v1/things", 500) == 0
    exposition = application.exposition()
    assert 'http_request_duration_seconds_bucket{le="0.25",method="GET",route="/plain"} 0.0' in exposition
    assert "_created" not in exposition
