"""Caches items as the bytes that clients receive, until the item is written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import orjson
from pydantic import BaseModel

from app.catalog.models import ItemRecord
from app.catalog.schemas import ItemView
from app.catalog.schemas_v2 import ItemViewV2
from app.catalog.service import Catalog
from app.events import ItemChanged
from app.infra.cache import Cache

TTL_SECONDS: Final = 60  # bounds how long an item stays outdated when Redis was down during its write


@dataclass(frozen=True, slots=True)
class Representation:
    """JSON of an item in one version of the API. `tag` is the suffix of its entity tags.

    The name changes with the schema, since replicas of two releases share a cache during a rollout.
    """

    name: str
    tag: str
    render: Callable[[ItemRecord], str]


@dataclass(frozen=True, slots=True)
class CachedItem:
    """Body of an item, and the version of the item in it."""

    version: int
    body: bytes


def name_for(name: str, model: type[BaseModel]) -> str:
    """Returns a name that changes with the model's schema."""
    schema = orjson.dumps(model.model_json_schema(mode="serialization"), option=orjson.OPT_SORT_KEYS)
    return f"{name}-{sha256(schema).hexdigest()[:8]}"


V1: Final = Representation(name_for("v1", ItemView), "", lambda item: ItemView.of(item).model_dump_json())
V2: Final = Representation(name_for("v2", ItemViewV2), "-v2", lambda item: ItemViewV2.of(item).model_dump_json())


class CachedItems:
    """Reads items through the cache."""

    def __init__(self, cache: Cache, catalog: Catalog) -> None:
        self._cache = cache
        self._catalog = catalog

    async def get(self, item_id: UUID, representation: Representation) -> CachedItem:
        """Returns an item. Raises ItemNotFoundError."""

        async def make() -> bytes:
            item = await self._catalog.get(item_id)
            return f"{item.version}\n{representation.render(item)}".encode()

        value = await self._cache.get_or_make(_key(item_id), make, TTL_SECONDS, representation=representation.name)
        version, _, body = value.partition(b"\n")
        return CachedItem(int(version), body)


def invalidate_item(cache: Cache) -> Callable[[ItemChanged], Awaitable[None]]:
    """Returns the live subscriber that deletes all representations of a changed item from the cache."""

    async def invalidate(change: ItemChanged) -> None:
        await cache.delete(_key(change.item_id))

    return invalidate


def _key(item_id: UUID) -> str:
    return f"items:{item_id}"
