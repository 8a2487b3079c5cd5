"""python -m app smoke: tests a deployment from outside.

It registers, logs in, lists items, orders one and waits until the order is paid. It reads no settings.
"""

import secrets
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Final

import httpx2

PATIENCE_SECONDS: Final = 60.0


class SmokeError(Exception):
    """A step failed; the message states the request, the expected status and the response."""


def run(options: Namespace) -> int:
    """Returns the exit code: 1 when a step failed."""
    try:
        smoke(options.url)
    except (SmokeError, httpx2.HTTPError) as failure:
        sys.stderr.write(f"FAILED {failure}\n")
        return 1
    return 0


def smoke(base_url: str, say: Callable[[str], object] = lambda line: sys.stdout.write(f"{line}\n")) -> None:
    """Runs all steps against a running service, and reports each with `say`. Raises SmokeError."""
    name = f"smoke-{secrets.token_hex(6)}"
    password = secrets.token_urlsafe(24)
    with httpx2.Client(base_url=base_url, timeout=10, trust_env=False) as client:
        account = {"username": name, "email": f"{name}@example.com", "password": password, "password_confirm": password}
        _step(client.post("/api/v1/auth/register", json=account), 201, f"registered {name}", say)
        answer = _step(
            client.post("/api/v1/auth/token", data={"username": name, "password": password}), 200, "got a token", say
        )
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        items = _step(client.get("/api/v1/items"), 200, "listed the items", say).json()["items"]
        sold = [item for item in items if item["stock"] > 0]
        if not sold:
            raise SmokeError("no item is in stock; add some with: python -m app seed")
        order = {"lines": [{"item_id": sold[0]["id"], "quantity": 1}]}
        placed = _step(client.post("/api/v1/orders", json=order), 202, f"ordered 1 {sold[0]['name']}", say)
        _await_paid(client, placed.url.join(placed.headers["Location"]), say)


def _step(answer: httpx2.Response, wanted: int, done: str, say: Callable[[str], object]) -> httpx2.Response:
    if answer.status_code != wanted:
        request = answer.request
        raise SmokeError(
            f"{request.method} {request.url.path}: {answer.status_code} instead of {wanted}: {answer.text}"
        )
    say(f"ok    {done}")
    return answer


def _await_paid(client: httpx2.Client, location: httpx2.URL, say: Callable[[str], object]) -> None:
    started = time.monotonic()
    while True:
        order = client.get(location).raise_for_status().json()
        seconds = time.monotonic() - started
        if order["status"] == "paid":
            say(f"ok    paid after {seconds:.1f} s")
            return
        if order["status"] == "failed" or seconds > PATIENCE_SECONDS:
            raise SmokeError(
                f"order {order['id']} is {order['status']} after {seconds:.0f} s: {order['failure_reason']}"
            )
        time.sleep(0.2)
