"""Writes `settings` of values.yaml, and from its comments values.schema.json and the table of README.md."""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace

from helm import schema, settings, values
from helm.values import Value
from scripts import generated_files

CHART = "helm/binnacle"
START, END = "<!-- values: generated -->", "<!-- /values -->"


def files() -> dict[str, str]:
    """Returns the text of each generated file, by path from the root of the tree."""
    text = _with_settings((generated_files.ROOT / CHART / "values.yaml").read_text(encoding="utf-8"))
    read = declared(text)
    readme = (generated_files.ROOT / CHART / "README.md").read_text(encoding="utf-8")
    before, after = readme.split(START)[0], readme.split(END)[1]
    return {
        f"{CHART}/values.yaml": text,
        f"{CHART}/values.schema.json": json.dumps(schema.build(read), indent=2) + "\n",
        f"{CHART}/README.md": f"{before}{START}\n{table(read)}{END}{after}",
    }


def declared(text: str) -> list[Value]:
    """Returns every value of the chart; those of settings have the limits of the service."""
    narrowed = settings.narrowed()
    return [
        replace(value, narrowed=narrowed.get(value.path, value.narrowed))
        for value in values.read(text, unset=settings.block())
    ]


def _with_settings(text: str) -> str:
    before, _, rest = text.partition(settings.START)
    return before + settings.block() + rest.partition(settings.END)[2]


def table(read: Iterable[Value]) -> str:
    """Returns the Markdown table of the values."""
    rows = [
        f"| `{value.path}` | {_default(value)} | {value.description.replace('|', chr(92) + '|')} |" for value in read
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows]) + "\n"


def _default(value: Value) -> str:
    return f"`{json.dumps(value.default)}`"


if __name__ == "__main__":
    sys.exit(generated_files.settle(files(), description=__doc__))
