"""Commands of `python -m app COMMAND`, one file each; app/cli.py describes them.

`run` gets the parsed arguments and returns the exit code. Only the requested command is imported, since
prometheus_client decides at its import whether several processes share metrics.
"""
