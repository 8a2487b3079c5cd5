"""Refuses new passwords that are guessed first: worst_passwords.txt, keyboard runs, repetitions, the account's name.

Existing passwords are never tested, so that everybody can still log in. Source: NIST SP 800-63B, 3.1.1.2.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.accounts.names import SERVICE

MIN_LENGTH: Final = 8
WORST: Final = frozenset(Path(__file__).with_name("worst_passwords.txt").read_text(encoding="utf-8").split())
# Rows of keyboards and common sequences; each is tested backwards too.
_ROWS: Final = (
    *("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "1q2w3e4r5t6y7u8i9o0p", "!@#$%^&*()"),
)
_RUNS: Final = tuple(run for row in _ROWS for run in (row, row[::-1]))
_MIN_RUN: Final = 3
_MIN_NAME: Final = 3
_MAX_DECORATION: Final = 6  # characters around a weak word: Password2024!
_SIGNS: Final = tuple(str.maketrans("@430$57!1", f"aaeosst{letter}{letter}") for letter in "il")
_REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)


def refuse_weak(password: str) -> None:
    """Raises ValueError for a password that attackers guess first."""
    guessed = password.casefold()
    repeated = _REPEATED.fullmatch(guessed)
    unit = repeated[1] if repeated else guessed
    if len(unit) < MIN_LENGTH and repeated:
        raise ValueError("repeats a few characters, which is guessed first; choose another")
    if _is_all_runs(unit):
        raise ValueError("is a run of keys or letters, which is guessed first; choose another")
    if not WORST.isdisjoint(_words(unit)):
        raise ValueError("is one of the passwords that are guessed first; choose another")


def refuse_own(password: str, username: str, email: str) -> None:
    """Raises ValueError when too little is left without the names of the account and the service."""
    left = password.casefold()
    for known in sorted({email, email.partition("@")[0], username, SERVICE}, key=len, reverse=True):
        if len(known) >= _MIN_NAME:
            left = left.replace(known.casefold(), "")
    if len(left) < min(MIN_LENGTH, len(password)) and left != password.casefold():
        raise ValueError(f"needs {MIN_LENGTH} characters beside the username and the e-mail address")


def _is_all_runs(text: str) -> bool:
    """Tests whether greedy cutting leaves only parts of keyboard rows, of at least _MIN_RUN characters."""
    while text:
        sizes = range(_MIN_RUN, len(text) + 1)
        length = max((size for size in sizes if any(text[:size] in run for run in _RUNS)), default=0)
        if not length:
            return False
        text = text[length:]
    return True


def _words(text: str) -> Iterator[str]:
    """Yields the text, and the word in it without decoration, with letters for the signs that stand for them."""
    yield text
    for core in {text.strip("0123456789 .,;:-_+*#!?$@&%/"), text.rstrip("0123456789 .,;:-_+*#!?&%/")}:
        if len(text) - len(core) <= _MAX_DECORATION:
            for signs in _SIGNS:
                yield core.translate(signs)
