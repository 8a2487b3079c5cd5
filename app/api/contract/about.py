"""Texts of the OpenAPI document about the API as a whole."""

from typing import Any, Final

ABOUT: Final[dict[str, Any]] = {
    "summary": "A small shop: accounts, items, and orders that are paid in the background.",
    "description": (
        "Register, log in, find an item, order it, and poll the order until it is paid.\n\n"
        "- **Errors** are problem details (RFC 9457): `code` is stable, `detail` says what to do, and `request_id` and"
        " `trace_id` identify the log lines and the trace.\n"
        "- **Money** is a decimal string in major units, such as `19.90`; it is never converted to a float.\n"
        "- **Changes of items** require the item's ETag in `If-Match`, so that concurrent changes are not lost.\n"
        "- **Orders** accept an `Idempotency-Key`: a repeated request returns the first response.\n"
        "- **Rate limits** are reported in `RateLimit` and `RateLimit-Policy`; a 429 states in `Retry-After` how long"
        " to wait.\n"
        "- `HEAD` is supported wherever `GET` is: the same headers, without the content.\n"
        "- `/api/items` is `/api/v1/items` or `/api/v2/items`, depending on `X-API-Version`.\n"
        "- `/ws/orders/{order_id}` is a WebSocket in which the buyer and the sellers of an order exchange messages."
    ),
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
SERVER: Final = "Server that returned this document"
TAGS: Final = [
    {"name": "accounts", "description": "Registration, log-in, and access and refresh tokens."},
    {"name": "users", "description": "Your own profile, public profiles, and the administration of users."},
    {
        "name": "items",
        "description": "Items for sale. Version 2 lists by cursor, and represents money as amount and currency.",
    },
    {"name": "orders", "description": "Place, follow and cancel orders. An accepted order is never lost."},
    {"name": "rates", "description": "Exchange rates."},
    {"name": "tasks", "description": "State of background jobs, and dead letters."},
    {"name": "reports", "description": "Sales reports, which are generated in the background."},
    {"name": "campaigns", "description": "E-mails to all active accounts."},
    {"name": "operations", "description": "Kubernetes probes, version and health."},
]
SECURITY: Final = (
    "Access token from `POST /api/v1/auth/token`, sent as `Authorization: Bearer …`. It expires after some minutes; get"
    " a new one with the refresh token. Roles: user, moderator, admin."
)
