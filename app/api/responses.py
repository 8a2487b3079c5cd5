"""What an operation's documentation says of its refusals."""

from http import HTTPStatus
from typing import Any

from app.api.problems import DOCUMENTED


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that may answer with these statuses, each problem details."""
    return {status: DOCUMENTED | {"description": HTTPStatus(status).phrase} for status in statuses}
