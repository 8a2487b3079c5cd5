"""Text as it may enter: what databases, logs and lines can't hold is refused at the door.

Each kind of text says its rule twice, since a check in Python is faster and tells more than a regular expression, and
the contract can only hold the expression (ECMA 262). tests/app/test_text.py holds both to be the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

SPACES: Final = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Control characters, the separators of lines and paragraphs, and what shows text in another order than it is in.
CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_CONTROL_CODES: Final = frozenset({*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)})
_CONTROL_CHARACTERS: Final = frozenset(map(chr, _CONTROL_CODES))


@dataclass(frozen=True, slots=True)
class Text:
    """A note on a type of text for pydantic: a check that returns the text or raises ValueError, and its pattern."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


def plain(value: str) -> str:
    """The text as it is. Raises ValueError."""
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode; a lone surrogate is not") from None
    return value


def filled(value: str) -> str:
    """The text without spaces around it. Raises ValueError when nothing is left."""
    stripped = plain(value).strip()
    if not stripped:
        raise ValueError("must not be blank")
    return stripped


def one_line(value: str) -> str:
    """The text without spaces around it. Raises ValueError for several lines, and when nothing is left."""
    if not _CONTROL_CHARACTERS.isdisjoint(value):
        raise ValueError("must be one line of text, without control characters")
    return filled(value)


def lines(value: str) -> str:
    """The text as it is. Raises ValueError."""
    if not _CONTROL_CHARACTERS.isdisjoint(plain(value).replace("\r\n", "").replace("\n", "")):
        raise ValueError("must be text, without control characters other than line ends")
    return value


# A length that stands beside these is that of what was sent, spaces around it included.
Plain: Final = Text(plain, r"^[^\u0000]*$")
Filled: Final = Text(filled, rf"^[^\u0000]*[^\u0000{SPACES}][^\u0000]*$")
OneLine: Final = Text(one_line, rf"^[^{CONTROLS}]*[^{CONTROLS}{SPACES}][^{CONTROLS}]*$")
Lines: Final = Text(lines, rf"^(?:[^{CONTROLS}]|\r?\n)*$")
