"""The routes of all versions of the API.

Made once a process, whatever the number of its applications: they depend on no setting, and to make them takes 70 ms.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.routing import BaseRoute

from app.api import contract, v1, v2

LARGEST_BODY_BYTES: Final = 1_000_000


def _made() -> Sequence[BaseRoute]:
    whole = APIRouter(generate_unique_id_function=contract.name)
    for router in (*v1.routers, *v2.routers):
        # With the prefix here: of what gets none, the framework first makes all routes, to look for an empty path.
        whole.include_router(router, prefix="/api", max_body_size=LARGEST_BODY_BYTES)
    return tuple(whole.routes)


routes: Final = _made()
