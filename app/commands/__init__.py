"""What `python -m app COMMAND` does, a file a command; app/cli.py names them and says what each is for.

A command's `run` gets the parsed arguments and returns the exit code. Commands are imported when they are asked for:
the metrics library decides at its import how several processes share a number.
"""
