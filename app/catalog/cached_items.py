"""Items as the bytes that clients get, made once and kept until the item is written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import orjson
from pydantic import BaseModel

from app.catalog.records import ItemRecord
from app.catalog.schemas import ItemView
from app.catalog.schemas_v2 import ItemViewV2
from app.catalog.service import Catalog
from app.events import ItemChanged
from app.infra.cache import Cache

SECONDS: Final = 60  # what a write failed to forget, since Redis was gone, is forgotten by then


@dataclass(frozen=True, slots=True)
class Form:
    """How a version of the API shows an item.

    The name changes with the schema: during a rollout replicas of two releases share a cache.
    """

    name: str
    render: Callable[[ItemRecord], str]


@dataclass(frozen=True, slots=True)
class Ready:
    """An item as it is sent, and the version that this shows."""

    version: int
    body: bytes


def form_name(name: str, model: type[BaseModel]) -> str:
    """A name that changes with the model's schema."""
    schema = orjson.dumps(model.model_json_schema(mode="serialization"), option=orjson.OPT_SORT_KEYS)
    return f"{name}-{sha256(schema).hexdigest()[:8]}"


V1: Final = Form(form_name("v1", ItemView), lambda item: ItemView.of(item).model_dump_json())
V2: Final = Form(form_name("v2", ItemViewV2), lambda item: ItemViewV2.of(item).model_dump_json())


class CachedItems:
    """The items of the catalogue, ready to be sent."""

    def __init__(self, cache: Cache, catalog: Catalog) -> None:
        self._cache = cache
        self._catalog = catalog

    async def get(self, item_id: UUID, form: Form) -> Ready:
        """Raises ItemNotFoundError."""

        async def make() -> bytes:
            item = await self._catalog.get(item_id)
            return f"{item.version}\n{form.render(item)}".encode()

        value = await self._cache.get_or_make(_key(item_id), make, SECONDS, form=form.name)
        version, _, body = value.partition(b"\n")
        return Ready(int(version), body)


def invalidate_item(cache: Cache) -> Callable[[ItemChanged], Awaitable[None]]:
    """Returns the live subscriber that deletes all representations of a changed item from the cache."""

    async def invalidate(change: ItemChanged) -> None:
        await cache.delete(_key(change.item_id))

    return invalidate


def _key(item_id: UUID) -> str:
    return f"items:{item_id}"
