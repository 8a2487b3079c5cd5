"""Mails: to the address of now, once for each message, and to nobody who is gone."""

import asyncio
from uuid import uuid4

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import InvalidError, UnavailableError
from app.infra.database.orm import now
from app.infra.outbox import dead_letters
from app.mail import templates
from app.mail.topics import MAIL_ORDER_FAILED, MAIL_RECEIPT, MAIL_REFUND, MAIL_WELCOME
from tests.app.mail.mailbox import Post, mailer
from tests.app.reports import sold
from tests.support import loopback
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def test_who_registered_is_greeted_by_name_at_the_address_of_now(post: Post) -> None:
    ada = await post.account("ada", display_name="Ada L.", email="old@example.com")
    message = await post.ask(MAIL_WELCOME, account_id=ada)
    await post.change(ada, email="new@example.com")
    with recorded_logs() as recorded:
        assert await post.runner().process(message) == "sent"
    [mail] = await post.mails()
    assert (mail["to"], mail["subject"]) == ("new@example.com", "Welcome aboard, Ada L.")
    assert [line["account_id"] for line in recorded.lines("mail_sent")] == [str(ada)]
    assert "example.com" not in recorded.text, "no log holds an address"


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        (MAIL_RECEIPT, "Your order is paid: 19.90 EUR"),
        (MAIL_ORDER_FAILED, "Your order could not be paid"),
        (MAIL_REFUND, "Your money is on its way back: 19.90 EUR"),
    ],
)
async def test_a_buyer_hears_of_an_order(post: Post, topic: str, subject: str) -> None:
    ada = await post.account("ada")
    [sale] = await sold.sell(post.database, str(ada), [await sold.item(post.database, str(ada))])
    message = await post.ask(topic, order_id=sale.order_id, buyer_id=ada, reason="card_declined")
    assert await post.runner().process(message) == "sent"
    [mail] = await post.mails()
    assert (mail["to"], mail["subject"]) == ("ada@example.com", subject)
    assert str(sale.order_id) in mail["text"]


async def test_nobody_who_is_gone_gets_one(post: Post) -> None:
    left, barred = await post.account("left"), await post.account("barred", is_active=False)
    messages = [await post.ask(MAIL_WELCOME, account_id=who) for who in (left, barred, uuid4())]
    await post.change(left, deleted_at=now())
    assert [await post.runner().process(message) for message in messages] == ["nobody"] * 3
    assert await post.mails() == []


@pytest.mark.parametrize("fault", ["fail_rate", "lie_rate", "error_rate"])
async def test_a_provider_that_fails_or_lies_is_asked_again_and_sends_once(post: Post, fault: str) -> None:
    ada = await post.account("ada")
    message = await post.ask(MAIL_WELCOME, account_id=ada)
    await post.behave(**{fault: 1})
    runner = post.runner()
    assert [await runner.process(message) for _ in range(2)] == ["later"] * 2
    await post.behave()
    await post.change(ada, email="moved@example.com")  # another mail under the same key, if it was taken before
    assert await runner.process(message) == "sent"
    assert len(await post.mails()) == 1


async def test_workers_that_meet_send_one(post: Post) -> None:
    message = await post.ask(MAIL_WELCOME, account_id=await post.account("ada"))
    outcomes = await asyncio.gather(*(post.runner().process(message) for _ in range(5)))
    assert sorted(outcomes) == ["not_ours"] * 4 + ["sent"]
    assert len(await post.mails()) == 1


async def test_a_mail_that_the_provider_refuses_goes_to_the_dead_letters_and_names_no_address(post: Post) -> None:
    ada = await post.account("ada", email="not an address")
    message = await post.ask(MAIL_WELCOME, account_id=ada)
    assert await post.runner(job_failures=1).process(message) == "dead"
    async with post.database.read() as session:
        [letter], _ = await dead_letters.page(session, offset=0, limit=10)
    assert letter["error"] == "The mail provider refuses the mail: status 422."


async def test_the_sender_is_named_where_one_is_set(post: Post) -> None:
    await mailer(post.client, "shop@example.com").send("k1", "ada@example.com", templates.welcome("Ada"))
    await mailer(post.client).send("k2", "ada@example.com", templates.welcome("Ada"))
    assert [mail["from"] for mail in await post.mails()] == ["shop@example.com", None]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"code": "mailbox_full"}'])
async def test_a_refusal_for_another_reason_is_a_refusal(body: bytes) -> None:
    async def refuse(_request: Request) -> Response:
        return Response(body, 422)

    provider = httpx2.ASGITransport(app=Starlette(routes=[Route("/v1/mails", refuse, methods=["POST"])]))
    async with httpx2.AsyncClient(transport=provider, base_url="http://mail") as client:
        with pytest.raises(InvalidError, match="422"):
            await mailer(client).send("k", "ada@example.com", templates.welcome("Ada"))


async def test_a_provider_that_is_gone_is_said_to_be_unavailable() -> None:
    async with loopback.async_client(base_url="http://127.0.0.1:9") as client:
        with pytest.raises(UnavailableError):
            await mailer(client).send("k", "ada@example.com", templates.welcome("Ada"))
