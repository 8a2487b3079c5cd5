"""The sandbox provider in this process, reached without a network."""

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
