"""API client that sends requests from any client address."""

import httpx2

from app.settings import Settings
from tests.app.accounts.logged_in import PASSWORD

HOME, OFFICE, CAFE = "192.0.2.1", "198.51.100.2", "203.0.113.3"


class Shop:
    """Sends requests to the API from a given client address."""

    def __init__(self, app: object, settings: Settings) -> None:
        self._app = app
        self.settings = settings

    async def request(self, address: str, path: str, *, method: str = "POST", **request: object) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self._app, client=(address, 1))  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **request)  # type: ignore[arg-type]

    async def register(self, address: str, name: str) -> httpx2.Response:
        account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return await self.request(address, "/api/v1/auth/register", json=account | {"password_confirm": PASSWORD})

    async def login(self, address: str, name: str = "ada", password: str = PASSWORD) -> httpx2.Response:
        return await self.request(address, "/api/v1/auth/token", data={"username": name, "password": password})

    async def fail(self, address: str, times: int, name: str = "ada") -> list[int]:
        return [(await self.login(address, name, "a wrong guess")).status_code for _ in range(times)]
