"""Types of command-line arguments."""

import argparse


def whole_number(text: str) -> int:
    """Parses a whole number of 1 or more. Raises ArgumentTypeError, which argparse shows as one sentence."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of 1 or more")
    return int(text)
