"""Dependencies of endpoints: each alias of a service gives the service of its type."""

from typing import Annotated, get_args, get_origin

import pytest
from starlette.requests import Request

from app.api import dependencies
from app.processes.api import create_app
from app.settings import read

pytestmark = pytest.mark.anyio
SERVICES = {
    name: alias
    for name, alias in vars(dependencies).items()
    if get_origin(alias) is Annotated and get_args(alias)[1].dependency.__name__ == "get"
}


async def test_each_alias_of_a_service_gives_the_service_of_its_type() -> None:
    assert "PopularService" in SERVICES
    app = create_app(read(_env_file=None)).app
    async with app.router.lifespan_context(app):
        request = Request({"type": "http", "app": app})
        for name, alias in SERVICES.items():
            kind, depends = get_args(alias)
            assert isinstance(await depends.dependency(request), kind), name
