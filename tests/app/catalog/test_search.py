"""Full-text search of items: matches, ranking, and that no input is an error."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.dialects import postgresql

from app.catalog import list_queries, search
from app.catalog.models import Item
from app.infra.database import open_database
from app.settings import Settings
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

SEARCH = f"{URL}/search"


async def _found(client: httpx2.AsyncClient, q: str, **query: Any) -> list[str]:
    answer = (await client.get(SEARCH, params={"q": q, **query})).raise_for_status().json()
    assert answer["total_is_exact"]
    return [item["name"] for item in answer["items"]]


async def test_all_words_must_match_in_any_inflection_and_case(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Brass sextant", description="Measures angles above the horizon.")
    await offer(client, name="Ship's bell", description="Cast in brass, for the watch.")
    await offer(client, name="Café lamp", description="Burns oil for one night.")
    assert set(await _found(client, "brass")) == {"Brass sextant", "Ship's bell"}
    assert await _found(client, "BRASS measuring Angle") == ["Brass sextant"]
    assert await _found(client, "the lamps of the night") == ["Café lamp"]
    assert await _found(client, "café") == ["Café lamp"]
    assert await _found(client, "ship's") == ["Ship's bell"]
    assert await _found(client, '"brass sextant"') == ["Brass sextant"]
    assert await _found(client, '"sextant brass"') == []
    assert await _found(client, "brass -bell") == ["Brass sextant"]
    assert await _found(client, 'brass -"for the watch"') == ["Brass sextant"]
    assert set(await _found(client, "sextant or lamp")) == {"Brass sextant", "Café lamp"}
    assert await _found(client, "brass lamp") == []
    assert await _found(client, "bras") == [], "a part of a word is not a word"


async def test_words_of_the_name_rank_higher_and_equal_ranks_are_newest_first(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Compass", description="Shows where the north is.")
    await offer(client, name="Chart table", description="With a drawer for the compass and a lamp for the compass.")
    for number in range(4):
        await offer(client, name=f"Lantern {number}", description="Same.")
    assert await _found(client, "compass") == ["Compass", "Chart table"]
    pages = [await _found(client, "lantern", page=page, per_page=2) for page in (1, 2, 3)]
    assert pages == [["Lantern 3", "Lantern 2"], ["Lantern 1", "Lantern 0"], []]
    beyond = (await client.get(SEARCH, params={"q": "lantern", "page": 3, "per_page": 2})).json()
    assert (beyond["items"], beyond["total"]) == ([], 4)


async def test_renamed_paused_and_deleted_items_are_found_by_their_current_state(api: Api) -> None:
    client = await api.login()
    at, anything = (await offer(client, name="Astrolabe", description="Old.")).headers["Location"], {"If-Match": "*"}
    (await client.patch(at, json={"name": "Octant"}, headers=anything)).raise_for_status()
    assert (await _found(client, "astrolabe"), await _found(client, "octant old")) == ([], ["Octant"])
    (await client.patch(at, json={"status": "paused"}, headers=anything)).raise_for_status()
    assert await _found(client, "octant") == []
    (await client.patch(at, json={"status": "active", "description": "Wood."}, headers=anything)).raise_for_status()
    assert (await _found(client, "old"), await _found(client, "wood")) == ([], ["Octant"])
    await client.delete(at, headers=anything)
    assert await _found(client, "octant") == []


async def test_of_very_many_matches_a_bounded_number_is_ranked(
    api: Api, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = await api.login()
    owner = UUID((await offer(client)).json()["owner_id"])
    items = [
        {"owner_id": owner, "name": f"buoy {n}", "name_key": str(n), "price_minor": 1, "currency": "EUR", "stock": 1}
        for n in range(search.MAX_RANKED + 5)
    ]
    async with open_database(settings) as database, database.write() as session:
        session.add_all(Item(**item) for item in items)
    answer = (await client.get(SEARCH, params={"q": "buoy", "per_page": 1})).json()
    assert (answer["total"], answer["total_is_exact"]) == (search.MAX_RANKED, False)
    listed = (await client.get(URL, params={"per_page": 1})).json()
    assert (listed["total"], listed["total_is_exact"]) == (search.MAX_RANKED + 6, True)
    monkeypatch.setattr(list_queries, "MAX_COUNTED", 100)
    for page in (1, 999):
        listed = (await client.get(URL, params={"page": page})).json()
        assert (listed["total"], listed["total_is_exact"]) == (100, False)


async def test_a_query_without_words_finds_nothing_and_is_no_error(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Item or nothing", description="the near and the far")
    for q in (
        *(
            "the",
            "the and of",
            " ",
            '"',
            '""',
            '"the',
            "*",
            "-",
            "--",
            "-item",
            "-the",
            "or",
            "or or",
            "'",
            "\\",
            "(",
            ")",
        ),
        *(
            "NEAR(a b)",
            "name:x",
            "zzz*",
            "^zzz",
            "zzz + yyy",
            "{a b}",
            "a:b:c",
            "zzz\\",
            "%",
            "-zzz",
            "🧭",
            "\ufeff",
            "AND",
        ),
        *("zzz AND", "NOT zzz", "zzz ' OR 1=1 --", "x" * 200, '"' * 200, "-" * 200, "a " * 100, "or " * 66, "(" * 200),
        *(
            "zzz -or- yyy",
            '-"',
            '-""',
            "⑤",
            "½",
            "\u0660",
            "\U0001d7d8",
            "ﬁ",
            "\u0301",
            "\ue000",
            "<b>",
            "&",
            "|",
            "!zzz",
            "a<->b",
        ),
    ):
        answer = await client.get(SEARCH, params={"q": q})
        assert (answer.status_code, answer.json()["items"]) == (200, []), q
    for query in ("", "q=", "q=%00", "q=a%00b", "q=%ed%a0%80", f"q={'x' * 201}", "q=x&sort=name", "q=x&page=0"):
        answer = await client.get(f"{SEARCH}?{query}")
        if query != "q=%ed%a0%80":  # invalid UTF-8: the framework reads it as replacement characters
            assert answer.status_code == 422, query
        assert answer.status_code < 500


_WORDS = st.sampled_from(
    ["brass", "the", "or", "OR", "-", '"', "'", "NEAR", "*", "(", ")", ":", "NOT", "AND", "^", "+", "\\"]
)
_QUERIES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200),
    st.lists(_WORDS, min_size=1, max_size=30).map(" ".join),
    st.lists(_WORDS, min_size=1, max_size=30).map("".join),
).filter(lambda q: 0 < len(q) <= 200)


async def test_every_query_is_answered(api: Api) -> None:
    await offer(await api.login(), name="Brass", description="The near or the far.")
    loop, asked = asyncio.get_running_loop(), 0

    @given(_QUERIES)
    @hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def search_all(q: str) -> None:
        nonlocal asked
        asked += 1
        request = api.client.get(SEARCH, params={"q": q})
        answer = asyncio.run_coroutine_threadsafe(request, loop).result(timeout=30)
        assert answer.status_code == 200, q

    await asyncio.to_thread(search_all)
    assert asked >= 50


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_words_are_read_from_the_index(settings: Settings) -> None:
    async with open_database(settings) as database, database.write() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        words = search._BY_WORDS.params(words="brass")
        query = words.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
        plan = (await session.execute(text(f"EXPLAIN {query}"))).scalars().all()
    assert "ix_items_words" in "\n".join(plan)
    assert "Seq Scan" not in "\n".join(plan)


async def test_items_of_equal_rank_are_found_newest_first_in_an_old_catalog(api: Api, settings: Settings) -> None:
    client = await api.login()
    first, second = [(await offer(client, name=f"Log {n}", description="Same.")).json()["id"] for n in range(2)]
    async with open_database(settings) as database, database.write() as session:
        old = datetime.now(UTC) - timedelta(days=9)
        await session.execute(update(Item).where(Item.id == UUID(second)).values(created_at=old))
    answer = (await client.get(SEARCH, params={"q": "log"})).json()
    assert [item["id"] for item in answer["items"]] == [first, second]
