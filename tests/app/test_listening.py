"""Servers listen on IPv4 and IPv6, or on the one that the kernel has."""

import errno
import socket
from contextlib import ExitStack, closing
from typing import Any

import httpx2
import pytest

from app.infra import listening_sockets
from app.infra.listening_sockets import listen, listen_as_set
from app.settings import SettingsError, read
from app.settings.addresses import local_url
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes

BOTH = ("127.0.0.1", "::1")


def _connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


def _families(host: str) -> tuple[bool, ...]:
    with ExitStack() as opened:
        listening = [opened.enter_context(closing(each)) for each in listen(host, 0)]
        [port] = {each.getsockname()[1] for each in listening}
        return tuple(_connects(address, port) for address in BOTH)


@pytest.mark.parametrize(
    ("host", "families"),
    [
        ("::", (True, True)),
        ("0.0.0.0", (True, False)),  # noqa: S104 -- the case
        ("127.0.0.1", (True, False)),
        ("::1", (False, True)),
    ],
)
def test_a_host_listens_on_its_address_families(host: str, families: tuple[bool, ...]) -> None:
    assert _families(host) == families


def test_an_ipv4_client_keeps_its_address() -> None:
    with ExitStack() as opened:
        listening = [opened.enter_context(closing(each)) for each in listen("::", 0)]
        port = listening[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            served, address = listening[0].accept()
            served.close()
            assert address[0] == "127.0.0.1"
            assert client.getpeername()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("missing", "families"), [(socket.AF_INET6, (True, False)), (socket.AF_INET, (False, True))], ids=["ipv6", "ipv4"]
)
def test_a_kernel_without_one_family_serves_the_other(
    monkeypatch: pytest.MonkeyPatch, missing: socket.AddressFamily, families: tuple[bool, ...]
) -> None:
    class Without(socket.socket):
        def __init__(self, family: int = -1, *rest: Any, **options: Any) -> None:
            if family == missing and "fileno" not in options:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *rest, **options)

    with monkeypatch.context() as kernel:
        kernel.setattr(socket, "socket", Without)
        listening = listen("::", 0)
        with pytest.raises(OSError, match="not supported"):
            listen(BOTH[missing == socket.AF_INET6], 0)
    with ExitStack() as opened:
        for each in listening:
            opened.enter_context(closing(each))
        assert tuple(_connects(address, listening[0].getsockname()[1]) for address in BOTH) == families


def test_an_unusable_address_is_refused_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening_sockets, "PAUSE_SECONDS", 0)
    with closing(listen("127.0.0.1", 0)[0]) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingsError, match=f"^HOST, PORT: no server can listen on port {port} of ::: Address .* in use"
        ):
            listen_as_set("", "::", port)
    with pytest.raises(SettingsError, match=r"^ADMIN_HOST, ADMIN_PORT: .* of 192.0.2.1: Cannot assign"):
        listen_as_set("ADMIN_", "192.0.2.1", 9000)


@pytest.mark.parametrize(
    ("given", "host", "url"),
    [
        ("::", "::", "http://127.0.0.1:8000"),
        ("[::]", "::", "http://127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 -- the case
        ("[::1]", "::1", "http://[::1]:8000"),
        ("localhost", "localhost", "http://localhost:8000"),
    ],
)
def test_a_host_is_parsed_and_reached(given: str, host: str, url: str) -> None:
    settings = read(host=given, admin_host=given, _env_file=None)
    assert (settings.host, settings.admin_host) == (host, host)
    assert local_url(settings.host, 8000) == url


@pytest.mark.parametrize("given", ["", "127.0.0.1:8000", ":::", "http://shop", "a b"])
def test_an_invalid_address_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="ADMIN_HOST"):
        read(admin_host=given, _env_file=None)


def test_the_api_and_its_admin_port_are_served_on_both_families(processes: Processes) -> None:
    port, admin = free_port(), free_port()
    api = processes.start("serve", HOST="::", PORT=port, ADMIN_HOST="::", ADMIN_PORT=admin, DRAIN_SECONDS=0)
    for host in ("127.0.0.1", "[::1]"):
        processes.await_answer(api, f"http://{host}:{port}", "/livez")
        for path in ("/livez", "/metrics"):
            assert loopback.get(f"http://{host}:{admin}{path}").status_code == httpx2.codes.OK
    clients = {line["client"] for line in api.lines() if line["event"] == "http_request"}
    assert "::ffff:127.0.0.1" not in clients


def test_probes_of_worker_and_reconciler_are_served_on_both_families(
    processes: Processes, stores: dict[str, str]
) -> None:
    for command in ("worker", "reconciler"):
        port = free_port()
        process = processes.start(command, ADMIN_HOST="::", ADMIN_PORT=port, WORKER_CONCURRENCY=1, **stores)
        for host in ("127.0.0.1", "[::1]"):
            processes.await_answer(process, f"http://{host}:{port}", "/readyz")
            assert loopback.get(f"http://{host}:{port}/metrics").status_code == httpx2.codes.OK


def test_the_sandbox_is_served_on_both_families(processes: Processes) -> None:
    port = free_port()
    sandbox = processes.start("sandbox", SANDBOX_HOST="::", SANDBOX_PORT=port)
    for host in ("127.0.0.1", "[::1]"):
        processes.await_answer(sandbox, f"http://{host}:{port}", "/livez")
