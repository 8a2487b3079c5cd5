"""Finds public docstrings and checks their first word."""

import ast
from collections.abc import Iterator
from typing import Final

# A docstring begins with a verb or a noun phrase; these words begin a question, a clause or a prepositional phrase.
NOT_FIRST: Final = frozenset({
    "what", "who", "whom", "whose", "whether", "how", "where", "which", "when", "why", "that", "whoever", "whatever",
    "everything", "nothing", "something", "everybody", "nobody", "somebody", "anybody", "it", "these", "those", "they",
    "around", "of", "from", "to", "for", "until", "after", "before", "at", "in", "on", "by", "as", "with", "without",
    "if", "so", "because", "while",
})  # fmt: skip


def public_docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yields line and docstring of a module, and of its public classes, functions and methods."""
    module = ast.parse(source)
    documented: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [module]
    for node in documented:
        if (text := ast.get_docstring(node)) is not None:
            yield getattr(node, "lineno", 1), text
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented += [
                child
                for child in node.body
                if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not child.name.startswith("_")
            ]


def first_word(text: str) -> str:
    """Returns the first word in lower case, without punctuation; empty for text without one."""
    words = text.split()
    return words[0].strip("`*_,.:;!?").lower() if words else ""


def wrong_beginnings(path: str, source: str) -> Iterator[str]:
    """Yields a sentence for each public docstring whose first word is neither a verb nor of a noun phrase."""
    for line, text in public_docstrings(source):
        if (word := first_word(text)) in NOT_FIRST:
            yield f"{path}:{line}: begin with a verb or a noun phrase, not {word!r}: {text.splitlines()[0]}"
