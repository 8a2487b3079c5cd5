"""Pages by number: which one, and how long."""

from typing import Annotated

from pydantic import Field

from app.schemas import Input


class PageQuery(Input):
    """Number and size of a page; `page` counts from 1."""

    page: Annotated[int, Field(ge=1, le=10_000, description="Number of the page, from 1")] = 1
    per_page: Annotated[int, Field(ge=1, le=100, description="Entries on each page")] = 20

    @property
    def offset(self) -> int:
        """Number of rows before this page."""
        return (self.page - 1) * self.per_page
