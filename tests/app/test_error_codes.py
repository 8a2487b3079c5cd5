"""An error code names one error, and has one status."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus

from starlette.requests import Request

import app
from app.api import problems
from app.errors import DomainError

# Needs gunicorn's or Celery's own process, and defines no domain errors.
_NOT_IMPORTED = ("app.__main__", "app.migrations.env")


def _errors() -> Iterator[type[DomainError]]:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name not in _NOT_IMPORTED:
            importlib.import_module(module.name)
    waiting = [DomainError]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        yield from (kind for kind in kinds if kind.__module__.startswith("app."))
        waiting += kinds


def _status(kind: type[DomainError]) -> int:
    error = kind.__new__(kind)
    error.retry_after = 1  # type: ignore[attr-defined]  # of the types that have one
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": {}})
    return problems.refuse(request, error).status_code


def test_each_code_has_one_status_and_is_defined_once() -> None:
    statuses, defined = defaultdict(set), defaultdict(set)
    for status in HTTPStatus:  # codes of the framework's refusals
        statuses[problems.title(status).lower().replace(" ", "_")].add(int(status))
    for kind in _errors():
        statuses[kind.code].add(_status(kind))
        if "code" in vars(kind):
            defined[kind.code].add(f"{kind.__module__}.{kind.__name__}")
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
    assert {code: found for code, found in defined.items() if len(found) > 1} == {}
    assert {"item_changed", "item_repriced", "too_many_reports", "wrong_password"} <= defined.keys()
