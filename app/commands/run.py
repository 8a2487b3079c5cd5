"""python -m app run: runs the whole shop on one machine."""

import sys
from argparse import Namespace

from app import settings as configuration
from app.processes import embedded
from app.telemetry import logs


def run(options: Namespace) -> int:
    settings = configuration.read(options.command)
    logs.configure(settings.log_level, "console" if sys.stdout.isatty() else settings.log_format)
    return embedded.run(settings)
