"""Prints the mutants that mutmut generates for files, as JSON. Runs in the environment with mutmut."""

import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import libcst
import libcst.matchers as m
from mutmut.mutation.file_mutation import create_mutations, deep_replace


def _mutants(path: str) -> Iterator[dict[str, str]]:
    source = Path(path).read_text(encoding="utf-8")
    module, mutations, *_ = create_mutations(path, source)
    types = _types(module)
    for mutation in mutations:
        if mutation.contained_by_top_level_function is None or _for_people(mutation.original_node):
            continue
        if mutation.original_node in types:
            continue
        code = deep_replace(module, mutation.original_node, mutation.mutated_node).code
        diff = difflib.unified_diff(source.splitlines(), code.splitlines(), path, path, lineterm="", n=2)
        if code != source:
            yield {"path": path, "code": code, "diff": "\n".join(diff)}


def _types(module: libcst.Module) -> set[libcst.CSTNode]:
    """Returns type strings in `cast`, whose mutants are equivalent: `cast` ignores its first argument."""
    return {node.args[0].value for node in m.findall(module, m.Call(m.Name("cast"))) if isinstance(node, libcst.Call)}


def _for_people(node: libcst.CSTNode) -> bool:
    """Recognises messages for people, whose wording tests do not check."""
    if isinstance(node, libcst.SimpleString):
        return " " in str(node.evaluated_value)
    return isinstance(node, libcst.FormattedString | libcst.ConcatenatedString)


if __name__ == "__main__":
    json.dump([mutant for path in sys.argv[1:] for mutant in _mutants(path)], sys.stdout)
