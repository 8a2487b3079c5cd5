"""Asks each API pod twice a second whether it is ready and for a list of items: `watch.py HOST ADDRESS...`.

One line of JSON an answer: Unix times of question and answer, address, path, status (0 without an answer), Retry-After.
"""

import http.client
import json
import os
import sys
import threading
import time

PATHS = ("/readyz", "/livez", "/api/v1/items?per_page=1")
PERIOD_SECONDS = 0.5
PATIENCE_SECONDS = 10


def ask(host: str, address: str, path: str) -> None:
    """Print one answer."""
    begin, status, retry_after = time.time(), 0, None
    connection = http.client.HTTPConnection(address, 8000, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        status, retry_after = answer.status, answer.getheader("Retry-After")
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    line = {"at": begin, "ended": time.time(), "address": address, "path": path}
    line |= {"status": status, "retry_after": retry_after}
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except OSError:  # nobody reads any more
        os._exit(0)


def main() -> None:
    """Until killed."""
    host, *addresses = sys.argv[1:]
    while True:
        for address in addresses:
            for path in PATHS:
                threading.Thread(target=ask, args=(host, address, path), daemon=True).start()
        time.sleep(PERIOD_SECONDS)


if __name__ == "__main__":
    main()
