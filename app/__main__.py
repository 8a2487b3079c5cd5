import io
import sys

from app.cli import main

# A terminal that lacks a character shows "?" instead of ending the process.
for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
sys.exit(main())
