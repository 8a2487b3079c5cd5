"""Tries to open connections, `connect.py HOST:PORT...`, and prints for each `open`, `refused` or `dropped`, as JSON."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

PATIENCE_SECONDS = 4


def outcome(target: str) -> str:
    """What became of one try; `dropped` is silence."""
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS).close()
    except TimeoutError:
        return "dropped"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return str(error)
    return "open"


def main() -> None:
    """All at once, since each may take the whole patience."""
    targets = sys.argv[1:]
    with ThreadPoolExecutor(len(targets)) as pool:
        print(json.dumps(dict(zip(targets, pool.map(outcome, targets), strict=True))))  # noqa: T201


if __name__ == "__main__":
    main()
