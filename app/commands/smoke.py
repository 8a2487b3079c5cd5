"""python -m app smoke: is a deployment any good? It is asked from outside, and reads no settings."""

import sys
from argparse import Namespace

import httpx2

from app.smoke import SmokeError, smoke


def run(options: Namespace) -> int:
    try:
        smoke(options.url)
    except (SmokeError, httpx2.HTTPError) as failure:
        sys.stderr.write(f"FAILED {failure}\n")
        return 1
    return 0
