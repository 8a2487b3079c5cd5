"""Routes of all versions of the API.

They are built once in each process, since that takes 70 ms and no setting affects them.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.routing import BaseRoute

from app.api import contract, v1, v2

LARGEST_BODY_BYTES: Final = 1_000_000

_whole = APIRouter(generate_unique_id_function=contract.name)
for router in (*v1.routers, *v2.routers):
    # The prefix is added here: without one, FastAPI builds all routes first to look for an empty path.
    _whole.include_router(router, prefix="/api", max_body_size=LARGEST_BODY_BYTES)
routes: Final[Sequence[BaseRoute]] = tuple(_whole.routes)
