"""Text as it may enter: what databases, logs and lines can't hold is refused at the door.

Each kind of text says its rule twice, since a check in Python is faster and tells more than a regular expression, and
the contract can only hold the expression (ECMA 262). tests/app/test_text.py holds both to be the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

SPACES: Final = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Control characters, separators of lines and paragraphs, overrides of direction, and characters that only programs use:
# word joiners, invisible operators, byte order marks.
_CONTROLS: Final = ((0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB))
# Characters of prose that are invisible in names: soft hyphens, fillers and blanks, zero-width spaces and joiners,
# marks of direction.
_HIDDEN: Final = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0)),
)


def _pattern(*ranges: tuple[int, int]) -> str:
    """Returns the part of a class of characters, as ECMA 262 writes it."""
    return "".join(f"\\u{first:04x}" + (f"-\\u{last:04x}" if last > first else "") for first, last in ranges)


def _characters(*ranges: tuple[int, int]) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


CONTROLS: Final = _pattern(*_CONTROLS)
UNSEEN: Final = _pattern(*_CONTROLS, *_HIDDEN)
_CONTROL_CHARACTERS: Final = _characters(*_CONTROLS)
HIDDEN_CHARACTERS: Final = _characters(*_HIDDEN)


@dataclass(frozen=True, slots=True)
class Text:
    """Annotates a type of text for pydantic: a check that returns the text or raises ValueError, and its pattern."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


def plain(value: str) -> str:
    """Returns the text. Raises ValueError for hidden characters and lone surrogates."""
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode; a lone surrogate is not") from None
    return value


def filled(value: str) -> str:
    """Returns the text without surrounding spaces. Raises ValueError when nothing is left."""
    stripped = plain(value).strip()
    if not stripped:
        raise ValueError("must not be blank")
    return stripped


def one_line(value: str) -> str:
    """Returns the text without surrounding spaces. Raises ValueError for several lines, and when nothing is left."""
    if not _CONTROL_CHARACTERS.isdisjoint(value):
        raise ValueError("must be one line of text, without control characters")
    return filled(value)


def name(value: str) -> str:
    """Returns what others know something by, in Unicode's form NFC, without spaces around it.

    Raises ValueError for what one_line() refuses and for characters that nobody sees. What NFC would make longer stays
    as it is, so that a length that was checked holds.
    """
    if not HIDDEN_CHARACTERS.isdisjoint(value):
        raise ValueError("must not hold characters that can't be seen, such as zero-width spaces and joiners")
    line = one_line(value)
    composed = normalize("NFC", line)
    return composed if len(composed) <= len(line) else line


def lines(value: str) -> str:
    """Returns the text as it is. Raises ValueError."""
    if not _CONTROL_CHARACTERS.isdisjoint(plain(value).replace("\r\n", "").replace("\n", "").replace("\t", "")):
        raise ValueError("must be text, without control characters other than line ends and tabs")
    return value


# Length limits beside these apply to the text as it was sent, with surrounding spaces.
Plain: Final = Text(plain, r"^[^\u0000]*$")
Filled: Final = Text(filled, rf"^[^\u0000]*[^\u0000{SPACES}][^\u0000]*$")
OneLine: Final = Text(one_line, rf"^[^{CONTROLS}]*[^{CONTROLS}{SPACES}][^{CONTROLS}]*$")
Name: Final = Text(name, rf"^[^{UNSEEN}]*[^{UNSEEN}{SPACES}][^{UNSEEN}]*$")
Lines: Final = Text(lines, rf"^(?:[^{CONTROLS}]|\r?\n|\t)*$")
