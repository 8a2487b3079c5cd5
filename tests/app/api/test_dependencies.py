"""FastAPI dependencies: each service alias resolves to the service of its type."""

from typing import Annotated, get_args, get_origin

import pytest
from starlette.requests import Request

from app.api import dependencies
from app.processes.api import create_app
from app.settings import Settings

pytestmark = pytest.mark.anyio
GETTER = f"{dependencies.service.__qualname__}.<locals>.get"
ALIASES = {name: get_args(alias) for name, alias in vars(dependencies).items() if get_origin(alias) is Annotated}
SERVICES = {
    name: (kind, depends.dependency)
    for name, (kind, depends) in ALIASES.items()
    if getattr(depends.dependency, "__qualname__", "") == GETTER
}


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_each_service_alias_resolves_to_its_type(settings: Settings) -> None:
    assert {"CatalogService", "Placing"} <= SERVICES.keys()
    app = create_app(settings).app
    async with app.router.lifespan_context(app):
        request = Request({"type": "http", "app": app})
        for name, (kind, get) in SERVICES.items():
            assert isinstance(await get(request), kind), name
