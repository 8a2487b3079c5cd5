"""Every value is used by a template, and every use of a template is declared in values.yaml."""

from pathlib import Path

import pytest

from helm import generate

from . import uses
from .rendering import Chart

COMPONENTS = ("api", "worker", "reconciler", "sandbox", "postgresql", "valkey")
# Read where there is one: only the stores have users of their own, only some processes an autoscaler.
OPTIONAL = ("podSecurityContext", "autoscaling")


def used(templates: Path) -> set[str]:
    """Paths in use, those of a component by its own templates and all that these include."""
    read = uses.read(templates)
    found = set()
    for file in read.paths.keys() | read.calls.keys():
        if "/" in file or file.endswith((".yaml", ".txt")):
            component = file.partition("/")[0]
            for path in read.of(file):
                if component in COMPONENTS or not path.startswith(uses.COMPONENT):
                    found.add(path.replace(uses.COMPONENT, component, 1))
    return found


def declared(chart: Chart) -> set[str]:
    return {value.path for value in generate.declared((chart.folder / "values.yaml").read_text())}


def below(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.")


def test_every_value_is_used(chart: Chart) -> None:
    found = used(chart.folder / "templates")
    unused = {value for value in declared(chart) if not any(below(value, use) or below(use, value) for use in found)}
    assert unused == set()


def test_every_use_is_declared(chart: Chart) -> None:
    known = declared(chart)
    unknown = {
        use
        for use in used(chart.folder / "templates")
        if not any(below(use, value) or below(value, use) for value in known)
        and use.split(".")[1:2] not in ([key] for key in OPTIONAL)
    }
    assert unknown == set()


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("{{ .Values.a.b }}{{ $.Values.c }}", {"a.b", "c"}),
        ("{{ with .Values.a.b }}{{ .c }}{{ end }}{{ .d }}", {"a.b.c"}),
        ("{{ with .Values.a }}{{ toYaml . }}{{ end }}", {"a"}),
        ("{{ $x := .Values.a }}{{ if $x.b }}{{ $x.c.d }}{{ end }}", {"a.b", "a.c.d"}),
        ("{{ .root.Values.a }}{{ range $.root.Values.b }}{{ .c }}{{ end }}", {"a", "b"}),
        ("{{ $own := index .root.Values .component }}{{ with $own.a }}{{ if .b }}x{{ end }}{{ end }}", {"*.a.b"}),
        ('{{ range list "a" .Values.b }}{{ .c }}{{ end }}', {"b"}),
        ('{{ fail "a .Values.b in words" }}{{/* .Values.c in a remark */}}', set()),
        (
            '{{ include "binnacle.extra" (dict "root" . "component" "api" "list" "extraEnv") }}',
            {"extraEnv", "*.extraEnv"},
        ),
    ],
)
def test_uses_are_read_through_scopes_and_variables(tmp_path: Path, template: str, paths: set[str]) -> None:
    (tmp_path / "a.yaml").write_text(template)
    assert uses.read(tmp_path).of("a.yaml") == paths


def test_what_is_included_is_used_too(tmp_path: Path) -> None:
    (tmp_path / "_a.tpl").write_text(
        '{{ define "first" }}{{ include "second" . }}{{ end }}{{ define "second" }}{{ .Values.a }}{{ end }}'
    )
    (tmp_path / "b.yaml").write_text('{{ include "first" . }}')
    assert uses.read(tmp_path).of("b.yaml") == {"a"}
