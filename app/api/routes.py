"""Routes of all versions of the API.

They are built once a process, which takes 70 ms, since they depend on no setting.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.routing import BaseRoute

from app.api import contract, v1, v2

LARGEST_BODY_BYTES: Final = 1_000_000


def _build() -> Sequence[BaseRoute]:
    whole = APIRouter(generate_unique_id_function=contract.name)
    for router in (*v1.routers, *v2.routers):
        # With the prefix here: without one, FastAPI builds all routes first, to find an empty path.
        whole.include_router(router, prefix="/api", max_body_size=LARGEST_BODY_BYTES)
    return tuple(whole.routes)


routes: Final = _build()
