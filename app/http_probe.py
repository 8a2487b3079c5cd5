"""python -m app.http_probe URL: the health check of a container; exit code 0 when the answer is 200.

It runs every few seconds in images that need no shell, so it stays apart from the commands and what they import.
"""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 2.0


def main(url: str) -> int:
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port or 80, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", where.path or "/")
        answer = connection.getresponse()
        if answer.status == HTTPStatus.OK:
            return 0
        sys.stderr.write(f"{url} answers {answer.status}: {answer.read(1000).decode(errors='replace')}\n")
    except (OSError, HTTPException) as failure:
        sys.stderr.write(f"{url} does not answer: {failure}\n")
    finally:
        connection.close()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
