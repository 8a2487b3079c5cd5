"""A customer of a running service."""

import time
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx2

from tests.support import loopback


class Shopper:
    """Registers, logs in, and orders the first item that is in stock."""

    def __init__(self, url: str) -> None:
        self.client = loopback.client(base_url=url, timeout=20)

    def __enter__(self) -> Self:
        name = f"s{uuid4().hex[:12]}"
        account = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
        account["password_confirm"] = account["password"]
        self.client.post("/api/v1/auth/register", json=account).raise_for_status()
        form = {"username": name, "password": account["password"]}
        token = self.client.post("/api/v1/auth/token", data=form).raise_for_status().json()
        self.client.headers["Authorization"] = f"Bearer {token['access_token']}"
        self.refresh_token = str(token["refresh_token"])
        items = self.client.get("/api/v1/items").raise_for_status().json()["items"]
        self.item_id = next(item["id"] for item in items if item["stock"])
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.client.close()

    def order(self, quantity: int = 1) -> httpx2.Response:
        lines = [{"item_id": self.item_id, "quantity": quantity}]
        return self.client.post("/api/v1/orders", json={"lines": lines}).raise_for_status()

    def await_final(self, location: str, seconds: float = 60) -> dict[str, Any]:
        """The order once it is paid or failed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            order: dict[str, Any] = self.client.get(location).raise_for_status().json()
            if order["status"] != "pending":
                return order
            time.sleep(0.05)
        raise AssertionError(f"the order is still pending after {seconds:g} s: {order}")
