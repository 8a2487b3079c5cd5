import io
import sys

from app.cli import main

for stream in (sys.stdout, sys.stderr):
    if isinstance(
        stream, io.TextIOWrapper
    ):  # a terminal that lacks a character shows "?" instead of ending the process
        stream.reconfigure(errors="replace")
sys.exit(main())
