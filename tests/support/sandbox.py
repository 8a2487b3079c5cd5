"""The sandbox provider in this process, reached without a network, and what is asked of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from app.sandbox.app import create_sandbox
from app.settings import read


@asynccontextmanager
async def sandbox_client(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a sandbox whose ledger lies in `folder`; its lifespan runs as a server would run it."""
    application = create_sandbox(read(state_dir=folder, _env_file=None))
    heard: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    living = asyncio.create_task(application({"type": "lifespan", "asgi": {"version": "3.0"}}, heard.get, said.put))
    try:
        for event in ("startup", "shutdown"):
            await heard.put({"type": f"lifespan.{event}"})
            answer = await said.get()
            if answer["type"] != f"lifespan.{event}.complete":
                raise RuntimeError(f"the sandbox failed at {event}: {answer}")
            if event == "startup":
                transport = httpx2.ASGITransport(app=application)
                async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                    yield client
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


async def charge(client: httpx2.AsyncClient, key: str = "key-1", **change: Any) -> httpx2.Response:
    """Charges 19.90 euros for order-1, unless changed."""
    body = {"amount_minor": 1990, "currency": "EUR", "reference": "order-1"} | change
    return await client.post("/v1/charges", json=body, headers={"Idempotency-Key": key})


async def refund(client: httpx2.AsyncClient, key: str = "back-1", **change: Any) -> httpx2.Response:
    """Gives back 19.90 euros of order-1, unless changed; None leaves a field out."""
    body = {"amount_minor": 1990, "currency": "EUR", "reference": "order-1"} | change
    body = {name: value for name, value in body.items() if value is not None}
    return await client.post("/v1/refunds", json=body, headers={"Idempotency-Key": key})
