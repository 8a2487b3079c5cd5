"""Assembles the ASGI application of the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry

from app.sandbox import behaviour, charges, mails, pages, rates, refunds
from app.sandbox.behaviour import Behaviour, ConnectionLayer
from app.sandbox.ledger import Ledger, OpenLedger, Refusal
from app.settings import Settings
from app.settings.state_folder import private_file
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.traces.tracing import Tracing

LARGEST_BODY_BYTES = 1_000_000
_LINES = """
    SELECT json_object('entry', 'charge', 'id', id, 'idempotency_key', idempotency_key, 'reference', reference,
        'amount_minor', amount_minor, 'currency', currency, 'status', status) FROM charges
    UNION ALL SELECT json_object('entry', 'refund', 'id', id, 'idempotency_key', idempotency_key, 'charge', charge,
        'reference', reference, 'amount_minor', amount_minor, 'currency', currency, 'status', 'succeeded') FROM refunds
"""


def create_sandbox(settings: Settings) -> ConnectionLayer:
    """Returns the sandbox as an ASGI application."""
    tracing = Tracing(settings, "sandbox")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with closing(Ledger(private_file(settings.ledger))) as ledger:
            app.state.ledger = ledger
            app.state.behaviour = Behaviour()
            yield
        await asyncio.to_thread(tracing.shutdown)

    app = FastAPIOffline(
        redoc_url=None,
        title="Binnacle sandbox provider",
        lifespan=lifespan,
        telemetry=FRAMEWORK_TELEMETRY,
        max_body_size=LARGEST_BODY_BYTES,
    )
    for part in (charges, refunds, rates, mails, behaviour, pages):
        app.include_router(part.router)
    app.add_api_route("/v1/ledger", lines, methods=["GET"], response_class=StreamingResponse)
    app.add_api_route("/livez", livez, methods=["GET"])
    app.exception_handler(Refusal)(_refuse)
    return ConnectionLayer(observe(app, metrics=HttpMetrics(CollectorRegistry()), tracing=tracing))


async def lines(ledger: OpenLedger) -> StreamingResponse:
    """Streams a snapshot of all charges, then all refunds, oldest first, as JSON lines."""
    return StreamingResponse(ledger.read(_LINES), media_type="application/x-ndjson")


async def livez() -> dict[str, str]:
    """Succeeds while the event loop runs."""
    return {"status": "ok"}


async def _refuse(_request: Request, refusal: Refusal) -> JSONResponse:
    return JSONResponse({"code": refusal.code, "detail": refusal.detail}, refusal.status)
