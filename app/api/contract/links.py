"""What one may do next with what an answer holds (OpenAPI links)."""

from collections.abc import Mapping
from typing import Any, Final

_ID: Final = "$response.body#/id"
_ETAG: Final = "$response.header.ETag"
_REFRESH: Final = {"refresh_token": "$response.body#/refresh_token"}

# Of an operation and a status: the next operation, and where its parameters come from; `body` is the whole of its body.
_LINKS: Final[Mapping[tuple[str, int], tuple[tuple[str, Mapping[str, Any]], ...]]] = {
    ("register", 201): (
        ("token", {"body": {name: f"$request.body#/{name}" for name in ("username", "password")}}),
        ("get_user", {"path.user_id": _ID}),
        ("replace_rights", {"path.user_id": _ID}),
        ("change_rights", {"path.user_id": _ID}),
        ("delete_user", {"path.user_id": _ID}),
    ),
    ("token", 200): (("refresh", {"body": _REFRESH}), ("logout", {"body": _REFRESH})),
    ("refresh", 200): (("refresh", {"body": _REFRESH}), ("logout", {"body": _REFRESH})),
    ("list_users", 200): (("get_user", {"path.user_id": "$response.body#/users/0/id"}),),
    ("create_item", 201): (
        ("get_item", {"path.item_id": _ID, "header.If-None-Match": _ETAG}),
        ("replace_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
        ("change_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
        ("delete_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
        ("get_item_v2", {"path.item_id": _ID}),
    ),
    ("create_item_v2", 201): (
        ("get_item_v2", {"path.item_id": _ID, "header.If-None-Match": _ETAG}),
        ("get_item", {"path.item_id": _ID}),
    ),
    ("get_item", 200): (
        ("get_item", {"path.item_id": _ID, "header.If-None-Match": _ETAG}),
        ("change_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
        ("delete_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
    ),
    ("replace_item", 200): (
        ("get_item", {"path.item_id": _ID, "header.If-None-Match": _ETAG}),
        ("delete_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
    ),
    ("change_item", 200): (
        ("get_item", {"path.item_id": _ID, "header.If-None-Match": _ETAG}),
        ("replace_item", {"path.item_id": _ID, "header.If-Match": _ETAG}),
    ),
    ("list_items", 200): (("get_item", {"path.item_id": "$response.body#/items/0/id"}),),
    ("list_items_v2", 200): (
        ("list_items_v2", {"query.cursor": "$response.body#/next_cursor"}),
        ("get_item_v2", {"path.item_id": "$response.body#/items/0/id"}),
    ),
    ("place_order", 202): (
        ("get_order", {"path.order_id": _ID}),
        ("cancel_order", {"path.order_id": _ID}),
        ("follow_order", {"path.order_id": _ID}),
    ),
    ("cancel_order", 200): (("get_order", {"path.order_id": _ID}),),
    ("list_orders", 200): (("get_order", {"path.order_id": "$response.body#/orders/0/id"}),),
    ("ask_for_sales_report", 202): (("get_task", {"path.task_id": _ID}), ("download_report", {"path.report_id": _ID})),
    ("start_campaign", 202): (("get_task", {"path.task_id": _ID}),),
    ("list_dead_letters", 200): (("redrive_dead_letter", {"path.message_id": "$response.body#/dead_letters/0/id"}),),
    ("redrive_dead_letter", 202): (("get_task", {"path.task_id": _ID}),),
}


def add_links(operation: dict[str, Any]) -> None:
    """Gives the answers of an operation the links to what may come next."""
    for status, response in operation["responses"].items():
        links = {to: _link(to, values) for to, values in _LINKS.get((operation["operationId"], int(status)), ())}
        if links:
            response["links"] = links


def _link(to: str, values: Mapping[str, Any]) -> dict[str, Any]:
    link: dict[str, Any] = {"operationId": to}
    parameters = {name: value for name, value in values.items() if name != "body"}
    if parameters:
        link["parameters"] = parameters
    if "body" in values:
        link["requestBody"] = values["body"]
    return link
