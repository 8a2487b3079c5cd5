"""Equivalent spellings match on each database, in every search."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from app.accounts.models import Account
from app.catalog.models import Item
from app.infra.database import open_database
from app.settings import Settings
from app.text.folding import containing, fold, folded
from tests.app.catalog.offers import URL, login_as, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

SPELLINGS = [
    ("äpfel", "ÄPFEL"),
    ("Äpfel", normalize("NFD", "Äpfel")),
    ("Straße", "STRASSE"),
    ("ЁЛКА", "ёлка"),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("œuvre", "ŒUVRE"),
]
DIFFERENT = [("Äpfel", "Apfel"), ("a_b", "axb"), ("100%", "100 percent"), ("a/b", "a//b"), ("c\\_d", "c_d")]


@given(st.text())
def test_folding_a_key_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_equivalent_spellings_have_one_key(one: str, other: str) -> None:
    assert fold(one) == fold(other)


async def test_both_databases_fold_like_python(settings: Settings) -> None:
    texts = [text for pair in (*SPELLINGS, *DIFFERENT) for text in pair]
    async with open_database(settings) as database, database.read() as session:
        for text in texts:
            found = (await session.execute(select(folded(literal(text)).like(containing(text), escape="/")))).scalar()
            assert found, text
            assert (await session.execute(select(folded(literal(text))))).scalar_one() == fold(text)


async def test_item_names_are_found_in_any_spelling(api: Api, settings: Settings) -> None:
    client = await api.login()
    for index, (one, other) in enumerate(SPELLINGS):
        item = (await offer(client, name=f"{index} {one}!")).json()["id"]
        for search in (one, other, f"{index} {other}!"):
            found = (await client.get(URL, params={"search": search})).json()["items"]
            assert item in [entry["id"] for entry in found], search
    async with open_database(settings) as database, database.write() as session:
        owner = (await session.execute(select(Item.owner_id).limit(1))).scalar_one()
        # As 0003 left a name that another item already had.
        unnamed = Item(owner_id=owner, name="ÄPFEL", name_key=None, price_minor=1, currency="EUR", stock=1)
        session.add(unnamed)
    found = (await client.get(URL, params={"search": "äpfel"})).json()["items"]
    assert [item["name"] for item in found].count("ÄPFEL") == 1


async def test_a_search_pattern_is_matched_literally(api: Api) -> None:
    client = await api.login()
    for name, search in DIFFERENT:
        await offer(client, name=name)
        assert (await client.get(URL, params={"search": name})).json()["total"] == 1
        assert (await client.get(URL, params={"search": search})).json()["total"] == 0


async def test_accounts_are_found_in_any_spelling(api: Api, settings: Settings) -> None:
    client = await login_as("admin", api, settings)
    async with open_database(settings) as database, database.write() as session:
        for number, (name, _) in enumerate(SPELLINGS):
            keys = {"username": f"u{number}x", "username_key": f"u{number}x", "email": "e", "email_key": f"e{number}"}
            session.add(Account(**keys, display_name=f"{number} {name}", password_hash=""))
    for number, (one, other) in enumerate(SPELLINGS):
        for search in (f"{number} {one}", f"{number} {other}"):
            found = (await client.get("/api/v1/users", params={"search": search})).raise_for_status().json()["users"]
            assert [user["username"] for user in found] == [f"u{number}x"], search


@pytest.mark.parametrize(("one", "other"), [SPELLINGS[0], SPELLINGS[3], SPELLINGS[5]])
async def test_words_are_found_in_any_case(api: Api, one: str, other: str) -> None:
    client = await api.login()
    items = {(await offer(client, description=f"Red {word}s, fresh.")).json()["id"] for word in (one, other)}
    for word in (one, other):
        found = (await client.get(f"{URL}/search", params={"q": f"{word}s"})).json()["items"]
        assert {item["id"] for item in found} == items
