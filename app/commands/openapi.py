"""python -m app openapi: prints the OpenAPI document."""

import json
import sys
from argparse import Namespace

from app import settings as configuration
from app.processes.api import create_app


def run(options: Namespace) -> int:
    document = create_app(configuration.read(options.command)).app.openapi()
    sys.stdout.write(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n")
    return 0
