"""Which values the templates use: read from their text, through `with`, variables and the dictionary of a component."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ACTION = re.compile(r"\{\{-?\s*(?!/\*)(.*?)\s*-?\}\}", re.DOTALL)
COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
WORDS = re.compile(r'"[^"]*"|`[^`]*`')
CALL = re.compile(r'(?:include|template) "([^"]+)"')
PATH = r"((?:\.[A-Za-z]\w*)*)"
VALUES = re.compile(rf"(?:\$?\.root|\$|(?<![\w.)]))\.Values{PATH}")
VARIABLE = re.compile(rf"(\$[A-Za-z]\w*){PATH}")
DOT = re.compile(r"(?<![\w.)$])\.(?!Values\b)([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)")
BARE_DOT = re.compile(r"(?<![\w.)$])\.(?![\w.])")
# Helpers that are told by name which list they take, of the whole chart and of a component.
BY_NAME = re.compile(r'include "binnacle\.extra" \(dict "root" \S+ "component" \S+ "list" "(\w+)"')
OWN = re.compile(r"^index (?:\$|\$?\.root)\.Values .+$")
ASSIGNED = re.compile(r"^(\$[A-Za-z]\w*) :?= (.+)$", re.DOTALL)
COMPONENT = "*"


@dataclass
class Block:
    """What stands between an action that opens something and its end; `dot` is the path that `.` is there, if known."""

    name: str
    dot: str


@dataclass
class Uses:
    """Paths of values by the name of a define, or of a file; `*` is the component that a define is called for."""

    paths: dict[str, set[str]] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)

    def of(self, *names: str) -> set[str]:
        """What these use, and all that they include."""
        reached, left = set(names), list(names)
        while left:
            new = self.calls.get(left.pop(), set()) - reached
            reached |= new
            left += new
        return {path for name in reached for path in self.paths.get(name, ())}


def read(templates: Path) -> Uses:
    """Every use in the files below a folder; a file goes by its path from there."""
    uses = Uses()
    for file in sorted(templates.rglob("*")):
        if file.suffix in {".yaml", ".tpl", ".txt"}:
            _read_file(uses, str(file.relative_to(templates)), file.read_text())
    return uses


def _read_file(uses: Uses, file: str, text: str) -> None:
    blocks = [Block(file, "")]
    variables: dict[str, str] = {}
    for action in ACTION.findall(COMMENT.sub("", text)):
        word = action.split(maxsplit=1)[0] if action.strip() else ""
        name = blocks[-1].name
        if word == "end":
            blocks.pop()
        elif word == "define":
            blocks.append(Block(action.split('"')[1], ""))
            variables = {}
        else:
            uses.calls.setdefault(name, set()).update(CALL.findall(action))
            plain = WORDS.sub('""', action)
            found = list(_paths(plain, blocks[-1].dot, variables))
            named = [path for key in BY_NAME.findall(action) for path in (key, f"{COMPONENT}.{key}")]
            renamed = ""
            if assigned := ASSIGNED.match(plain):
                renamed = variables[assigned[1]] = _one(assigned[2], found)
            if word in {"if", "with", "range"}:
                renamed = _one(plain.partition(" ")[2], found) if word == "with" else ""
                blocks.append(Block(name, blocks[-1].dot if word == "if" else renamed))
            # Another name for a dictionary uses nothing of it yet.
            uses.paths.setdefault(name, set()).update({*found, *named} - {renamed})


def _paths(action: str, dot: str, variables: Mapping[str, str]) -> Iterator[str]:
    for match in VALUES.finditer(action):
        if match[1]:
            yield match[1][1:]
    for match in VARIABLE.finditer(action):
        if path := variables.get(match[1]):
            yield path + match[2]
    if dot:
        yield from (f"{dot}.{match[1]}" for match in DOT.finditer(action))
        if BARE_DOT.search(action):
            yield dot


def _one(expression: str, found: list[str]) -> str:
    """The path that an expression is; empty when it is made of more than one, or of none."""
    if OWN.match(expression.removesuffix(" | default dict")):
        return COMPONENT
    return found[0] if len(found) == 1 and " " not in expression.strip() else ""
