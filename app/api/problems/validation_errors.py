"""Converts validation errors to problem details: the first few, without names and values that the client chose."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.api.problems.model import FieldProblem
from app.api.problems.response import printable

MAX_ERRORS: Final = 20
_UNKNOWN: Final = "extra_forbidden"


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Returns the first MAX_ERRORS errors of pydantic; all unknown fields of an object count as one error."""
    unknown: dict[tuple[int | str, ...], int] = {}
    for error in errors:
        if error["type"] == _UNKNOWN:
            place = tuple(error["loc"][:-1])  # without the name, which the client chose
            unknown[place] = unknown.get(place, 0) + 1
    return list(_listed(errors, unknown))


def _listed(errors: Sequence[Mapping[str, Any]], unknown: dict[tuple[int | str, ...], int]) -> Iterator[FieldProblem]:
    left = MAX_ERRORS
    for error in errors:
        place, message = tuple(error["loc"]), str(error["msg"])
        if error["type"] == _UNKNOWN:
            place = place[:-1]
            count = unknown.pop(place, 0)
            if count == 0:
                continue
            message = f"Object has {count} unknown {'field' if count == 1 else 'fields'}"
        yield FieldProblem(
            field=printable(".".join(map(str, place))),
            message=printable(message.removeprefix("Value error, ")),
            code=str(error["type"]),
        )
        left -= 1
        if left == 0:
            return
