"""The sandbox's ledger is complete after SIGKILL, and read as a stream."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2
import pytest

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes, Running
from tests.support.sandbox import charge, refund, sandbox_client

pytestmark = pytest.mark.anyio


async def _lines(client: httpx2.AsyncClient) -> AsyncIterator[dict[str, Any]]:
    async with client.stream("GET", "/v1/ledger") as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        async for line in answer.aiter_lines():
            yield json.loads(line)


def _start(processes: Processes) -> tuple[Running, str]:
    port = free_port()
    process = processes.start("sandbox", SANDBOX_PORT=port)
    return process, processes.await_answer(process, f"http://127.0.0.1:{port}", "/livez")


async def test_no_answered_charge_is_lost_when_the_sandbox_is_killed(processes: Processes) -> None:
    answered: dict[str, str] = {}

    async def buy(client: httpx2.AsyncClient, buyer: int, until: int, enough: asyncio.Event) -> None:
        with suppress(httpx2.TransportError):
            for number in range(1000):
                key = f"{buyer}-{number}"
                charged = (await charge(client, key, reference=key)).raise_for_status().json()
                given_back = (await refund(client, key, reference=key, amount_minor=1)).raise_for_status().json()
                answered[charged["id"]], answered[given_back["id"]] = "charge", "refund"
                if len(answered) >= until:
                    enough.set()

    for until in (60, 120):
        process, url = await anyio.to_thread.run_sync(_start, processes)
        async with loopback.async_client(base_url=url) as client:
            enough = asyncio.Event()
            buying = asyncio.gather(*(buy(client, until + buyer, until, enough) for buyer in range(8)))
            await asyncio.wait_for(enough.wait(), 30)
            process.signal(signal.SIGKILL)
            await buying
    _, url = await anyio.to_thread.run_sync(_start, processes)
    async with loopback.async_client(base_url=url) as client:
        lines = {line["id"]: line["entry"] async for line in _lines(client)}
    assert len(answered) >= 120
    assert answered.items() <= lines.items()


async def test_the_ledger_is_read_as_lines_with_charges_first_and_stored_in_a_file(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert [line async for line in _lines(client)] == []
        made = [(await charge(client, f"key-{n}", reference=f"order-{n}")).json() for n in range(501)]
        back = (await refund(client, reference="order-7")).json()
        lines = [line async for line in _lines(client)]
    assert lines[:-1] == [
        {"entry": "charge", "idempotency_key": f"key-{n}", **charged} for n, charged in enumerate(made)
    ]
    assert lines[-1] == {"entry": "refund", "idempotency_key": "back-1", **back}
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as file:
        assert file.execute("SELECT count(*), sum(amount_minor) FROM charges").fetchone() == (501, 501 * 1990)
        assert file.execute("SELECT charge, amount_minor FROM refunds").fetchall() == [(made[7]["id"], 1990)]


async def test_a_ledger_of_the_version_before_refunds_is_migrated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as file:
        file.execute(
            "CREATE TABLE charges (idempotency_key TEXT PRIMARY KEY, id TEXT NOT NULL, reference TEXT NOT NULL,"
            " amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL)"
        )
        file.execute("INSERT INTO charges VALUES ('key-1', 'ch_old', 'order-1', 1990, 'EUR', 'succeeded')")
        file.commit()
    async with sandbox_client(tmp_path) as client:
        assert (await charge(client)).json()["id"] == "ch_old"
        assert (await refund(client)).json()["charge"] == "ch_old"
