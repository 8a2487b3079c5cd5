"""Accounts of the role in question, and their tokens, whatever was done to the last one."""

import os
import subprocess
import sys
from typing import Any, Final
from uuid import uuid4

import httpx2

PASSWORD: Final = "correct horse battery"


class Client:
    """Speaks to the service beside Schemathesis, as its caller."""

    def __init__(self) -> None:
        self._role = os.environ["CONTRACT_ROLE"]
        self._http = httpx2.Client(base_url=os.environ["CONTRACT_URL"], trust_env=False, timeout=20)
        self.user_id = ""
        self.username = ""
        self.password = PASSWORD
        self.authorization = ""
        self.refresh_tokens: list[str] = []
        self.made: dict[str, str] = {}  # this account's last of each kind, by the name that paths give its id

    def get(self, path: str, **query: Any) -> httpx2.Response:
        headers = {"Authorization": self.authorization} if self.authorization else {}
        return self._http.get(path, params=query, headers=headers)

    def log_in(self) -> str:
        """The value of Authorization: of the same account as long as it is as it should be, else of a new one."""
        if not self._is_good():
            self.authorization = ""
            if self.username:
                self.take_token()
            if not self._is_good():
                self._register()
        return self.authorization

    def _is_good(self) -> bool:
        me = self.get("/api/v1/users/me") if self.authorization else None
        return me is not None and me.is_success and me.json()["role"] == self._role

    def place_order(self) -> None:
        """An order of its own, if there is something to buy."""
        headers = {"Authorization": self.authorization}
        for item in self.get("/api/v1/items", per_page=10, sort="created_at").json()["items"]:
            order = {"lines": [{"item_id": item["id"], "quantity": 1}]}
            answer = self._http.post("/api/v1/orders", json=order, headers=headers)
            if answer.is_success:
                self.made["order_id"] = answer.json()["id"]
                return

    def take_token(self) -> None:
        """Logs in, if the password is still the one that is known."""
        answer = self._http.post("/api/v1/auth/token", data={"username": self.username, "password": self.password})
        if answer.is_success:
            self.authorization = f"Bearer {answer.json()['access_token']}"
            self.refresh_tokens.append(answer.json()["refresh_token"])

    def _register(self) -> None:
        self.username, self.password = f"c{uuid4().hex[:12]}", PASSWORD
        self.made.clear()
        account: dict[str, Any] = {"username": self.username, "email": f"{self.username}@example.com"}
        account |= {"password": PASSWORD, "password_confirm": PASSWORD}
        registered = self._http.post("/api/v1/auth/register", json=account).raise_for_status()
        self.user_id = registered.json()["id"]
        if self._role != "user":
            command = [sys.executable, "-m", "app", "promote", self.username, "--role", self._role]
            subprocess.run(command, check=True, capture_output=True)
        self.take_token()
