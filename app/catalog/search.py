"""Full text search of items: PostgreSQL's, and SQLite's FTS5 (migration 0005).

Both stem English words and rank words of the name above those of the description. A query has the syntax of
websearch_to_tsquery: all words must occur, `"in a row"`, `-without`, `or`. A query of excluded words alone finds
nothing. No input is an error.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Float, Text, Uuid, bindparam, column, func, literal_column, select, table, text

from app.catalog import repository
from app.catalog.for_sale import FOR_SALE
from app.catalog.models import ITEMS, ItemRecord
from app.infra.database import ReadSession

MAX_RANKED: Final = 1000  # matches that are ranked, which bounds the time that a common word takes
_WORDS: Final = "(setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B'))"
_ASKED: Final = bindparam("words", type_=Text)
_BY_WORDS: Final = (
    select(ITEMS.c.id, literal_column(f"ts_rank({_WORDS}, query)", Float).label("relevance"))
    .select_from(ITEMS, text("websearch_to_tsquery('english', :words) AS query").bindparams(_ASKED))
    # A tree of '' or T has no indexed word.
    .where(text(f"querytree(query) NOT IN ('', 'T') AND {_WORDS} @@ query"), FOR_SALE)
    .limit(MAX_RANKED)
)
_FTS5: Final = table("items_words", column("item_id", Uuid))
_BY_FTS5: Final = (
    select(ITEMS.c.id, literal_column("-bm25(items_words, 0.0, 10.0, 1.0)", Float).label("relevance"))
    .select_from(_FTS5.join(ITEMS, ITEMS.c.id == _FTS5.c.item_id))
    .where(text("items_words MATCH :words").bindparams(_ASKED), FOR_SALE)
    .limit(MAX_RANKED)
)
_TERM: Final = re.compile(r'(-?)"([^"]*)"?|(-?)([^\s"]+)')
# PostgreSQL's English stop words that are likely in a query.
_STOP_WORDS: Final = frozenset(
    """
    a an and are as at be but by for from had has have i in into is it its my no not of off on our that the their them
    then there these they this to was we were what when where which who will with you your
    """.split()  # noqa: SIM905 -- a list of them has a line each
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and phrases that must occur, and those that must not."""

    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)


async def page(session: ReadSession, words: str, *, offset: int, limit: int) -> tuple[list[ItemRecord], int]:
    """Returns items for sale, most relevant first and then newest, and the number of matches, at most MAX_RANKED."""
    if session.get_bind().dialect.name == "sqlite":
        found_by, asked = _BY_FTS5, as_fts5(read(words))
    else:
        found_by, asked = _BY_WORDS, as_websearch(read(words))
    if not asked:
        return [], 0
    found = found_by.subquery("found")
    query = (
        select(*repository.COLUMNS, func.count().over())
        .join(found, found.c.id == ITEMS.c.id)
        .order_by(found.c.relevance.desc(), ITEMS.c.created_at.desc(), ITEMS.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    given = {"words": asked}
    rows = (await session.execute(query, given)).all()
    if rows:
        return [repository.record(row[:-1]) for row in rows], rows[0][-1]
    count = select(func.count()).select_from(found)
    return [], (await session.execute(count, given)).scalar_one() if offset else 0


def read(words: str) -> list[Terms]:
    """Parses a query into alternatives. No term holds a quotation mark, and each has a letter or a digit."""
    alternatives = [Terms()]
    for no_phrase, phrase, no_word, word in _TERM.findall(words):
        if word.lower() == "or" and not no_word:
            alternatives.append(Terms())
        elif any(map(str.isalnum, phrase or word)):
            terms = alternatives[-1]
            (terms.unwanted if no_phrase or no_word else terms.wanted).append(phrase or word)
    return [terms for terms in alternatives if terms.wanted or terms.unwanted]


def as_websearch(alternatives: list[Terms]) -> str:
    """Returns a query for websearch_to_tsquery, with quoted terms: unquoted, thirty dashes in a row are an error."""
    return " or ".join(
        " ".join([*(f'"{term}"' for term in terms.wanted), *(f'-"{term}"' for term in terms.unwanted)])
        for terms in alternatives
    )


def as_fts5(alternatives: list[Terms]) -> str:
    """Returns a query for FTS5; empty when an alternative has no indexed word."""
    parts = []
    for terms in alternatives:
        wanted, unwanted = (
            [f'"{term}"' for term in given if term.lower() not in _STOP_WORDS]
            for given in (terms.wanted, terms.unwanted)
        )
        if unwanted and not wanted:
            return ""
        if wanted:
            parts.append(f"({' AND '.join(wanted)})" + (f" NOT ({' OR '.join(unwanted)})" if unwanted else ""))
    return " OR ".join(parts)
