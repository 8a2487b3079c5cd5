"""Items by their words, most relevant first: PostgreSQL's full text search, and SQLite's FTS5 (migration 0005).

Both stem English words, and let a word of the name weigh more than one of the description. A query is read as
websearch_to_tsquery reads it: all words must be there, `"in a row"`, `-without`, `or`. One that says only what must
not be there finds nothing. Nothing that somebody types is an error.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Float, Uuid, column, func, select, text

from app.catalog import repository
from app.catalog.models import Item
from app.catalog.records import ItemRecord
from app.infra.database import ReadSession

MOST: Final = 1000  # of all that match so many are ranked: the time that a common word takes has an end
_WORDS: Final = "(setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B'))"
# A tree of '' or T has no word that could be looked up.
_BY_WORDS: Final = text(f"""
    SELECT items.id, ts_rank({_WORDS}, query) AS relevance
    FROM items, websearch_to_tsquery('english', :words) AS query
    WHERE querytree(query) NOT IN ('', 'T') AND {_WORDS} @@ query AND status = 'active'
    LIMIT {MOST}
""")  # noqa: S608 -- words of our own
_BY_FTS5: Final = text(f"""
    SELECT items.id, -bm25(items_words, 0.0, 10.0, 1.0) AS relevance
    FROM items_words JOIN items ON items.id = items_words.item_id
    WHERE items_words MATCH :words AND items.status = 'active'
    LIMIT {MOST}
""")  # noqa: S608 -- a number of our own
_TERM: Final = re.compile(r'(-?)"([^"]*)"?|(-?)([^\s"]+)')
# What PostgreSQL leaves out of English, as far as it is likely in a query.
_STOP_WORDS: Final = frozenset(  # what PostgreSQL leaves out of English, as far as it is likely in a query
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "had", "has", "have", "i", "in"),
        *("into", "is", "it", "its", "my", "no", "not", "of", "off", "on", "our", "that", "the", "their", "them"),
        *("then", "there", "these", "they", "this", "to", "was", "we", "were", "what", "when", "where", "which"),
        *("who", "will", "with", "you", "your"),
    )
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Words, or several in a row, that must be there, and such that must not."""

    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)


async def page(session: ReadSession, words: str, *, offset: int, limit: int) -> tuple[list[ItemRecord], int]:
    """Active items, most relevant first and then newest, and how many there are of them: MOST or fewer."""
    if session.get_bind().dialect.name == "sqlite":
        found_by, asked = _BY_FTS5, as_fts5(read(words))
    else:
        found_by, asked = _BY_WORDS, as_websearch(read(words))
    if not asked:
        return [], 0
    found = found_by.bindparams(words=asked).columns(column("id", Uuid), column("relevance", Float)).subquery("found")
    query = (
        select(*repository.COLUMNS, func.count().over())
        .join(found, found.c.id == Item.id)
        .order_by(found.c.relevance.desc(), Item.created_at.desc(), Item.id.desc())
        .offset(offset)
        .limit(limit)
    )
    rows = (await session.execute(query)).all()
    if rows:
        return [repository.record(row[:-1]) for row in rows], rows[0][-1]
    count = select(func.count()).select_from(found)
    return [], (await session.execute(count)).scalar_one() if offset else 0


def read(words: str) -> list[Terms]:
    """What was asked for, in alternatives. No term holds a quotation mark, and each has a letter or a digit."""
    alternatives = [Terms()]
    for no_phrase, phrase, no_word, word in _TERM.findall(words):
        if word.lower() == "or" and not no_word:
            alternatives.append(Terms())
        elif any(map(str.isalnum, phrase or word)):
            terms = alternatives[-1]
            (terms.unwanted if no_phrase or no_word else terms.wanted).append(phrase or word)
    return [terms for terms in alternatives if terms.wanted or terms.unwanted]


def as_websearch(alternatives: list[Terms]) -> str:
    """For websearch_to_tsquery, in quotes: it fails for thirty dashes in a row."""
    return " or ".join(
        " ".join([*(f'"{term}"' for term in terms.wanted), *(f'-"{term}"' for term in terms.unwanted)])
        for terms in alternatives
    )


def as_fts5(alternatives: list[Terms]) -> str:
    """For FTS5, empty where an alternative has no word that could be looked up."""
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
