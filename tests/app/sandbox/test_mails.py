"""The sandbox accepts mail once for a key, and shows it by API and as a page."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.sandbox import mails
from tests.support.sandbox import sandbox_client

pytestmark = pytest.mark.anyio


async def _send(client: httpx2.AsyncClient, key: str = "mail-1", **change: Any) -> httpx2.Response:
    mail = {"to": "ada@example.com", "subject": "Order paid", "text": "Thank you.\n"} | change
    return await client.post("/v1/mails", json=mail, headers={"Idempotency-Key": key})


async def _mails(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = (await client.get("/v1/mails", params=query)).raise_for_status().json()["mails"]
    return answer


async def test_a_key_sends_one_mail_that_is_found_by_its_address(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        answers = await asyncio.gather(*(_send(client) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        await _send(client, "mail-2", to="bob@example.com")
        await _send(client, "mail-3", subject="Order sent")
        assert [mail["subject"] for mail in await _mails(client, to="ada@example.com")] == ["Order paid", "Order sent"]
        assert [mail["to"] for mail in await _mails(client)] == [
            "ada@example.com",
            "bob@example.com",
            "ada@example.com",
        ]
        assert await _mails(client, to="eve@example.com") == []
        with_sender = (await _send(client, "mail-4", to="cy@example.com", **{"from": "shop@example.com"})).json()
        assert (with_sender["from"], answers[0].json()["from"]) == ("shop@example.com", None)
        assert await _mails(client, to="cy@example.com") == [with_sender]
        reused = await _send(client, text="Give me money.")
        assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")


async def test_the_page_of_mails_runs_no_script(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert "There are none yet." in (await client.get("/mails")).text
        await _send(client, subject="<b>Paid</b> & sent", text="Hello {name}\n<script>alert(1)</script>", to='"x"@y.z')
        page = await client.get("/mails")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("default-src 'none';")
        assert "&lt;b&gt;Paid&lt;/b&gt; &amp; sent" in page.text
        assert "Hello {name}\n&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "to &quot;x&quot;@y.z" in page.text
        assert "<script" not in page.text


async def test_the_newest_mails_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MAX_MAILS", 3)
    async with sandbox_client(tmp_path) as client:
        for number in range(5):
            await _send(client, f"mail-{number}", subject=f"Number {number}")
        assert [mail["subject"] for mail in await _mails(client)] == ["Number 2", "Number 3", "Number 4"]
        page = (await client.get("/mails")).text
        assert page.index("Number 4") < page.index("Number 2"), "newest first"
        assert "Number 1" not in page


async def test_an_invalid_mail_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        for change in (
            {"to": "ada"},
            {"to": "ada@example.com\nBcc: eve@example.com"},
            {"from": "the shop"},
            {"subject": "Paid\r\nBcc: eve@example.com"},
            {"subject": ""},
            {"text": None},
            {"text": "x" * 100_001},
            {"html": "<p>"},
        ):
            assert (await _send(client, **change)).status_code == 422
        assert await _mails(client) == []
