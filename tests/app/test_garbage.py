"""Objects of the startup are excluded from garbage collection."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest
import uvicorn

from app.server.draining import DrainingServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def _unfreeze() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_unfreeze")
async def test_a_started_server_has_frozen_its_objects() -> None:
    async def app(*_: Any) -> None:
        raise AssertionError

    gc.unfreeze()
    server = DrainingServer(uvicorn.Config(app, lifespan="off", log_config=None), cast("Any", None), 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110 -- no event of uvicorn for it
                await asyncio.sleep(0.01)
        assert gc.get_freeze_count() > 10_000
        server.should_exit = True
        await running
