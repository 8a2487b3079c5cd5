"""What Schemathesis needs to know of the service: who calls, and what no schema can say of a good request."""

import atexit
import json
import os
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

from tests.contract.callers import Client
from tests.contract.meaning import Meaning

FRESH_SECONDS = 1
MAKES = {"ask_for_sales_report": "report_id", "place_order": "order_id", "register": "user_id"}


class Reached:
    """How often each operation gave each answer, kept for whoever started the run."""

    def __init__(self) -> None:
        self._answers: Counter[str] = Counter()
        atexit.register(self._write)

    def count(self, operation_id: str, response: Response) -> None:
        problem = response.headers.get("content-type", [""])[0].startswith("application/problem+json")
        code = f" {response.json()['code']}" if problem else ""
        self._answers[f"{operation_id} {response.status_code}{code}"] += 1

    def _write(self) -> None:
        Path(os.environ["CONTRACT_REACHED"]).write_text(json.dumps(self._answers))


@lru_cache(maxsize=1)
def _client() -> Client:
    return Client()


@lru_cache(maxsize=1)
def _meaning() -> Meaning:
    return Meaning(_client())


@lru_cache(maxsize=1)
def _reached() -> Reached:
    return Reached()


@schemathesis.auth(refresh_interval=FRESH_SECONDS)
class Caller:
    """An account of the role in CONTRACT_ROLE; another one when it was deleted or demoted by the tests."""

    def get(self, case: Case[Any], context: AuthContext) -> str:  # noqa: ARG002 -- Schemathesis's signature
        return _client().log_in()

    def set(self, case: Case[Any], data: str, context: AuthContext) -> None:  # noqa: ARG002 -- the same
        case.headers["Authorization"] = data


def _id(case: Case[Any]) -> str:
    operation_id: str = case.operation.definition.raw["operationId"]
    return operation_id


def _body(case: Case[Any]) -> dict[str, Any]:
    return case.body if isinstance(case.body, dict) else {}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 -- the same
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _meaning().give(_id(case), case)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:  # noqa: ARG001 -- the same
    _reached().count(_id(case), response)
    if _id(case) in MAKES and response.status_code in (201, 202):
        _client().made[MAKES[_id(case)]] = response.json()["id"]
    if _id(case) in ("token", "refresh") and response.status_code == 200:
        _client().refresh_tokens.append(response.json()["refresh_token"])
    if _id(case) == "change_password" and response.status_code == 204:
        _client().password = str(_body(case)["password"])
