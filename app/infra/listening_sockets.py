"""Listening sockets of servers, for IPv4 and IPv6."""

import errno
import socket
import time
from contextlib import ExitStack
from typing import Final

from app.settings import SettingsError

TRIES: Final = 5
PAUSE_SECONDS: Final = 1.0
BACKLOG: Final = 2048
ALL_ADDRESSES: Final = "::"
_NO_SUCH_FAMILY: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


def listen(host: str, port: int) -> list[socket.socket]:
    """Returns a listening socket for each address of `host`; port 0 takes a free one, the same for all.

    `::` means every address of both families, or of the one that the kernel has. Each family has a socket of its own,
    so that the address of an IPv4 client is not written as an IPv6 one, which no list of proxies names.
    Raises OSError when an address is taken, or is none of this machine's.
    """
    hosts = ("0.0.0.0", ALL_ADDRESSES) if host == ALL_ADDRESSES else (host,)  # noqa: S104 -- all addresses are meant
    listening: list[socket.socket] = []
    missing: OSError | None = None
    with ExitStack() as opened:
        for family, address in (found for each in hosts for found in _addresses(each)):
            number = listening[0].getsockname()[1] if listening else port
            try:
                bound = socket.create_server((address, number), family=family, backlog=BACKLOG)
                listening.append(opened.enter_context(bound))
            except OSError as error:
                if len(hosts) == 1 or error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
        if not listening and missing is not None:
            raise missing
        opened.pop_all()
    return listening


def listen_as_set(prefix: str, host: str, port: int) -> list[socket.socket]:
    """Returns what `listen` does, for settings that are called `prefix` and HOST or PORT. Raises SettingsError.

    A port that is taken is tried again for some seconds: a process that was killed leaves it a little later.
    """
    for number in range(1, TRIES + 1):
        try:
            return listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or number == TRIES:
                names = f"{prefix}HOST, {prefix}PORT"
                reason = error.strerror or type(error).__name__
                raise SettingsError(f"{names}: no server can listen on port {port} of {host}: {reason}") from None
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))
