"""Runs the shop on one machine without settings: migrates, seeds, and starts the API and the sandbox."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import httpx2

from app.infra.database import schema
from app.infra.http_client import trust
from app.infra.listening_sockets import listen
from app.seeding import accounts, items
from app.settings import Settings, SettingsError
from app.settings.addresses import local_url

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
LOADED: Final = "http://127.0.0.1:8000"  # the default host of `make load`

BANNER: Final = """
Binnacle is serving: API {url}  |  docs {url}/docs  |  metrics {admin}/metrics
Sandbox provider: mails {sandbox}/mails  |  faults {sandbox}/faults

Try next, in another terminal:
  curl {url}/api/v1/items
  {python} -m app smoke {url}
      registers, orders, waits for the payment
  {load}
      a load test with a verdict
{accounts}
State is in {state}/ (make reset deletes it). Ctrl-C drains and stops everything.
"""


def run(settings: Settings) -> int:
    """Serves until Ctrl-C or SIGTERM, and returns the exit code. Raises SettingsError when a port is taken."""
    ports = {"PORT": settings.port, "ADMIN_PORT": settings.admin_port, "SANDBOX_PORT": settings.sandbox_port}
    _require_free(ports)
    schema.migrate(settings)
    items.seed(settings)
    passwords = accounts.introduce(settings) if settings.environment == "local" else {}
    stops: list[int] = []  # signals that ask this process to stop
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: stops.append(number))
    defaults = {"LOG_FORMAT": "console"} if sys.stdout.isatty() else {}
    children = [_start("sandbox", defaults), _start("serve", {**defaults, "DRAIN_SECONDS": "0"})]
    try:
        if _await_ready(settings, children, stops):
            sys.stdout.write(_banner(settings, passwords))
            sys.stdout.flush()
        while not stops and all(child.poll() is None for child in children):
            time.sleep(0.2)
    finally:
        codes = [_stop(child) for child in reversed(children)]
    return 0 if stops else max(1, *codes)


def _banner(settings: Settings, passwords: Mapping[str, str]) -> str:
    url = local_url(settings.host, settings.port)
    lines = "".join(f"  {name:<12}{password}\n" for name, password in passwords.items())
    return BANNER.format(
        url=url,
        admin=local_url(settings.admin_host, settings.admin_port),
        sandbox=local_url(settings.sandbox_host, settings.sandbox_port),
        python=os.path.relpath(sys.executable),
        load="make load" if url == LOADED else f"make load ARGS='--host {url}'",
        state=settings.state_dir,
        accounts=f"\nAccounts whose initial password is unchanged:\n{lines}" if lines else "",
    )


def _require_free(ports: dict[str, int]) -> None:
    taken = []
    for name, port in ports.items():
        try:
            listen("127.0.0.1", port)[0].close()
        except OSError:
            taken.append(f"{name}: {port} is in use by another program; stop it, or try: {name}={port + 100} make run")
    if taken:
        raise SettingsError("\n".join(taken))


def _start(command: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # In a new session, so that Ctrl-C reaches only this process, which stops the others in order.
    return subprocess.Popen(  # noqa: S603 -- this interpreter with arguments of this module
        [sys.executable, "-m", "app", command], start_new_session=True, env={**environment, **os.environ}
    )


def _await_ready(settings: Settings, children: Sequence[subprocess.Popen[bytes]], stops: Sequence[int]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    url = f"{local_url(settings.host, settings.port)}/readyz"
    while time.monotonic() < deadline and not stops and all(child.poll() is None for child in children):
        with suppress(httpx2.HTTPError):
            if httpx2.get(url, timeout=1, trust_env=False, verify=trust(url)).is_success:
                return True
        time.sleep(0.1)
    return False


def _stop(child: subprocess.Popen[bytes]) -> int:
    child.terminate()  # does nothing to a child that has ended
    try:
        return child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()
