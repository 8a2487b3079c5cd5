"""The byte order mark of CSV files, by which Excel recognises UTF-8."""

import codecs
from collections.abc import AsyncIterator
from typing import Annotated, Final

from pydantic import Field

BOM: Final = codecs.BOM_UTF8
Bom = Annotated[
    bool, Field(description="begins the file with a byte order mark; without it, Excel misreads letters beyond ASCII")
]


async def marked(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Puts the mark before a file that comes piece by piece."""
    yield BOM
    async for piece in content:
        yield piece
