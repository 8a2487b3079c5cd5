"""Texts of the OpenAPI document about the API as a whole."""

from typing import Any, Final

ABOUT: Final[dict[str, Any]] = {
    "summary": "A small shop: accounts, items, and orders that are paid in the background.",
    "description": (
        "Register, take a token, find an item, order it, and read the order until it is paid.\n\n"
        "- **Errors** are problem details (RFC 9457): `code` is stable, `detail` says what to do, and `request_id` and"
        " `trace_id` lead to the log and the trace.\n"
        "- **Money** is decimal text in major units, such as `19.90`; it never passes through a float.\n"
        "- **Changes of items** need the ETag that was read as `If-Match`, so that no other change is lost.\n"
        "- **Orders** take an `Idempotency-Key`: a repeat gets the first answer.\n"
        "- **Limits** are told by `RateLimit` and `RateLimit-Policy`; a 429 says in `Retry-After` when to come back.\n"
        "- `HEAD` answers wherever `GET` does, with the same headers and without the content.\n"
        "- `/api/items` is `/api/v1/items` or `/api/v2/items`, as `X-API-Version` says.\n"
        "- `/ws/orders/{order_id}` is a WebSocket: the room of an order's buyer and sellers."
    ),
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
SERVER: Final = "where this document was read"
TAGS: Final = [
    {"name": "accounts", "description": "Make an account, take tokens, and give them back."},
    {"name": "users", "description": "Oneself, others, and all of them for administrators."},
    {"name": "items", "description": "The catalogue. Version 2 lists by cursor, and has money as amount and currency."},
    {"name": "orders", "description": "Buy, follow and cancel. An order that was accepted is never lost."},
    {"name": "rates", "description": "What a currency is worth in others."},
    {"name": "tasks", "description": "How work in the background goes, and what was given up."},
    {"name": "reports", "description": "Files that take a while to make."},
    {"name": "campaigns", "description": "Mails to everybody."},
    {"name": "operations", "description": "Probes for machines, and pages for people."},
]
SECURITY: Final = (
    "An access token of `POST /api/v1/auth/token`, sent as `Authorization: Bearer …`. It lasts some minutes; take the"
    " next one with the refresh token. Roles: user, moderator, admin."
)
