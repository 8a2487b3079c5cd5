"""What a request that fits the contract must also be, and no schema can say: only then it gets beyond the door.

Two fields that must be equal, a day that must not lie in the future, a thing that must exist. Requests that are meant
to be wrong stay as they are.
"""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from email_validator import SPECIAL_USE_DOMAIN_NAMES

from app.accounts.names import free, personal
from app.accounts.weak_passwords import refuse_weak
from app.orders import countries
from tests.contract.callers import Client

Request = Any  # Schemathesis's Case: path_parameters, query, headers, body
RESERVED_DOMAINS: Final = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)  # no mail gets there
LEAP_YEAR_TO_COME: Final = "2996"
YEAR: Final = timedelta(days=365)
KNOWN_SECONDS: Final = 5
CURRENCIES: Final = ("EUR", "USD", "GBP")
POSTAL_CODES: Final = (
    "20457", "1010", "110001", "01310-100", "K1A 0B1", "110 00", "SW1A 1AA", "D02 AF30", "100-0001", "LT-01100",
    "LV-1050", "1011 AB", "00-001", "1000-001",
)  # fmt: skip


class Meaning:
    """Repairs what is generated, by the id of the operation."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._items: list[dict[str, Any]] = []
        self._items_at = 0.0
        self._repairs: dict[str, Callable[[Request], None]] = {
            "ask_for_sales_report": self._days,
            "change_item": self._item,
            "change_me": self._profile,
            "change_rights": self._user,
            "delete_user": self._user,
            "replace_rights": self._user,
            "change_password": self._password,
            "create_item": self._new_item,
            "create_item_v2": self._new_item,
            "delete_item": self._item,
            "delete_me": self._confirmed,
            "export_items": self._prices,
            "get_user": self._anybody,
            "list_items": self._prices,
            "list_items_v2": self._cursor,
            "place_order": self._order,
            "logout": self._refresh,
            "redrive_dead_letter": self._letter,
            "refresh": self._refresh,
            "register": self._person,
            "replace_item": self._item,
            "token": self._login,
        }

    def give(self, operation_id: str, request: Request) -> None:
        """Repairs a request in place."""
        path = request.path_parameters or {}
        if "order_id" in path and "order_id" not in self._client.made:
            self._client.place_order()
        for name in path.keys() & self._client.made.keys():
            if not _one_of(4, str(path[name])):
                path[name] = self._client.made[name]
        repair = self._repairs.get(operation_id)
        if repair is not None:
            repair(request)

    def _person(self, request: Request) -> None:
        body = request.body
        if "password" in body:
            body["password"] = _strong(body["password"])
            body["password_confirm"] = body["password"]
        if isinstance(body.get("display_name"), str) and not _fits(personal, body["display_name"]):
            body["display_name"] = "Ada"
        if "email" in body and body["email"].lower().endswith(RESERVED_DOMAINS):
            body["email"] = body["email"].rpartition("@")[0] + "@example.com"
        if "username" in body and not _one_of(4, body["username"]):  # else it may be taken
            body["username"] = _new(body["username"], 64)
            body["email"] = _new(body["email"].split("@")[0], 64) + "@example.com"
        if not _fits(free, body.get("username", "ada")):
            body["username"] = _new("", 64)

    def _profile(self, request: Request) -> None:
        self._person(request)
        if "email" in request.body:
            self._confirmed(request)

    def _user(self, request: Request) -> None:
        """Now and then somebody who is there; never the caller, who is needed."""
        if _one_of(2, request.path_parameters["user_id"]):
            page = self._client.get("/api/v1/users", per_page=50, search="@example.com")
            others = page.json()["users"] if page.is_success else []  # they are for administrators
            others = [user["id"] for user in others if user["username"] != self._client.username]
            if others:
                request.path_parameters["user_id"] = others[int(time.time()) % len(others)]

    def _anybody(self, request: Request) -> None:
        """Now and then oneself, who is there even when nobody has been registered since."""
        if "user_id" not in self._client.made and _one_of(2, request.path_parameters["user_id"]):
            request.path_parameters["user_id"] = self._client.user_id

    def _letter(self, request: Request) -> None:
        page = self._client.get("/api/v1/dead-letters", per_page=1)
        letters = page.json()["dead_letters"] if page.is_success else []  # they are for administrators
        if letters and _one_of(2, request.path_parameters["message_id"]):
            request.path_parameters["message_id"] = letters[0]["id"]

    def _password(self, request: Request) -> None:
        request.body["password"] = _strong(request.body["password"])
        request.body["password_confirm"] = request.body["password"]
        self._confirmed(request)

    def _confirmed(self, request: Request) -> None:
        request.body["current_password"] = self._client.password

    def _login(self, request: Request) -> None:
        if _one_of(2, request.body.get("username", "")):
            request.body |= {"username": self._client.username, "password": self._client.password}

    def _refresh(self, request: Request) -> None:
        if _one_of(4, request.body["refresh_token"]):
            self._client.take_token()
        if self._client.refresh_tokens:
            request.body["refresh_token"] = self._client.refresh_tokens.pop()

    def _item(self, request: Request) -> None:
        if isinstance(request.body, dict) and isinstance(request.body.get("ends_at"), str):
            moment = LEAP_YEAR_TO_COME + request.body["ends_at"][4:]
            request.body["ends_at"] = moment.replace(":60", ":59")  # leap seconds have no name in most languages
        item_id = (request.path_parameters or {}).get("item_id")
        if item_id is not None and "If-Match" in (request.headers or {}):
            seen = self._client.get(f"/api/v1/items/{item_id}")
            if seen.is_success:
                request.headers["If-Match"] = seen.headers["ETag"]

    def _new_item(self, request: Request) -> None:
        self._item(request)
        if not _one_of(4, request.body["name"]):  # else it may be taken
            request.body["name"] = _new(request.body["name"], 120)

    def _prices(self, request: Request) -> None:
        query = request.query
        if query and {"min_price", "max_price"} <= query.keys():
            query["min_price"], query["max_price"] = sorted((query["min_price"], query["max_price"]), key=float)

    def _cursor(self, request: Request) -> None:
        """A cursor is one that was given out for the same query."""
        self._prices(request)
        if request.query and request.query.pop("cursor", None) is not None:
            first = self._client.get("/api/v2/items", **{**request.query, "limit": 1})
            cursor = first.json()["next_cursor"] if first.is_success else None
            if cursor:
                request.query["cursor"] = cursor

    def _order(self, request: Request) -> None:
        body = request.body
        lines = {line["item_id"]: line for line in body["lines"]}
        offered = self._offered()
        if offered and not _one_of(4, json.dumps(body)):
            currency = offered[len(lines) % len(offered)]["currency"]
            wanted = [item for item in offered if item["currency"] == currency or body.get("currency")]
            lines = {
                item["id"]: {"item_id": item["id"], "quantity": 1 + line["quantity"] % 3}
                for item, line in zip(wanted, lines.values(), strict=False)
            }
        body["lines"] = list(lines.values())
        if body.get("currency"):  # one that the provider quotes
            body["currency"] = CURRENCIES[sum(body["currency"].encode()) % len(CURRENCIES)]
        if body.get("shipping_address"):
            address = body["shipping_address"]
            codes = [code for code in POSTAL_CODES if countries.fits(code, address["country"])]
            address["postal_code"] = codes[0]
        if "Idempotency-Key" in (request.headers or {}):  # a key stands for one order
            digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
            request.headers["Idempotency-Key"] = request.headers["Idempotency-Key"][:200] + digest[:16]

    def _days(self, request: Request) -> None:
        """From one day to a later one, within a year, and not in the future."""
        days = sorted(_day(request.body[name]) for name in ("from", "to"))
        if days[1] - days[0] > YEAR:
            days[0] = days[1] - YEAR
        request.body |= {"from": days[0].isoformat(), "to": days[1].isoformat()}

    def _offered(self) -> list[dict[str, Any]]:
        """Cheap items, as they were some seconds ago."""
        if time.monotonic() - self._items_at > KNOWN_SECONDS:
            page = self._client.get("/api/v1/items", per_page=50, sort="price", min_price="1", max_price="500")
            self._items = [item for item in page.json()["items"] if item["stock"]] if page.is_success else []
            self._items_at = time.monotonic()
        return self._items


def _new(text: str, longest: int) -> str:
    """A text as long as it was if it is long, that nobody has used before."""
    return text[: longest - 8] + uuid4().hex[:8]


def _strong(password: str) -> str:
    """The password, or another one where it would be guessed."""
    return password if _fits(refuse_weak, password) else uuid4().hex[: max(len(password), 8)]


def _fits(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except ValueError:
        return False
    return True


def _one_of(number: int, *values: str) -> bool:
    """Whether these values fall into the first of so many parts; the same whenever they come again."""
    return hashlib.sha256("".join(values).encode("utf-8", "replace")).digest()[0] % number == 0


def _day(text: str) -> date:
    today = datetime.now(UTC).date()
    try:
        return min(date.fromisoformat(text), today)
    except ValueError:  # a year 0
        return today
