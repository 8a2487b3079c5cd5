"""Converts validation errors to problem details: the first few, without names and values that the client chose."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from app.api.problems.response import FieldProblem, printable

MAX_ERRORS: Final = 20
_UNKNOWN: Final = "extra_forbidden"


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Returns the first MAX_ERRORS errors of pydantic; all unknown fields of an object count as one error."""
    return list(islice(_listed(errors), MAX_ERRORS))


def _listed(errors: Sequence[Mapping[str, Any]]) -> Iterator[FieldProblem]:
    # By object: without the names of the fields, which the client chose.
    unknown = Counter(tuple(error["loc"][:-1]) for error in errors if error["type"] == _UNKNOWN)
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
