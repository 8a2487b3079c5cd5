"""The form in which people switch the sandbox's faults."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo

from app.sandbox.behaviour import Behaviour, Faults, Operation

PRESETS: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "none": ("No faults", {}),
    "declined": ("Decline every card", {"decline_rate": 1}),
    "down": ("Be down", {"fail_rate": 1}),
    "slow": ("Answer after 2 seconds", {"latency_ms": 2000}),
    "lost": ("Lose every second answer", {"lie_rate": 0.5}),
}
_INTRODUCTION: Final = """<p>Faults hold until the sandbox restarts. A share is between 0, never, and 1, always.
The same as JSON: <code>GET</code> and <code>PUT /v1/behaviour</code>.</p>
"""


def read(form: Mapping[str, Any]) -> Behaviour:
    """The behaviour that a submitted form asks for. Raises ValueError when there is none of that kind."""
    if "preset" in form:
        name = str(form["preset"])
        if name not in PRESETS:
            raise ValueError("There is no such preset.")
        return Behaviour.model_validate(PRESETS[name][1])
    wanted: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        operation, _, field = name.partition(".")
        wanted.setdefault(operation, {})[field] = str(value)
    return Behaviour.model_validate(wanted)


def render(behaviour: Behaviour, refusal: str = "") -> str:
    """The HTML of the form with what holds now, below what was wrong with the last one."""
    alert = f'<p role="alert">{escape(refusal)}</p>\n' if refusal else ""
    presets = "".join(f'<button name="preset" value="{key}">{title}</button>\n' for key, (title, _) in PRESETS.items())
    operations = "".join(_fieldset(each, getattr(behaviour, each)) for each in get_args(Operation))
    return (
        f'{_INTRODUCTION}{alert}<form method="post" action="/faults">\n{presets}</form>\n'
        f'<form method="post" action="/faults">\n{operations}<button>Set these faults</button>\n</form>\n'
    )


def _fieldset(operation: str, faults: Faults) -> str:
    fields = type(faults).model_fields.items()
    labels = "".join(_label(f"{operation}.{name}", field, getattr(faults, name)) for name, field in fields)
    return f"<fieldset><legend>{operation}</legend>\n{labels}</fieldset>\n"


def _label(name: str, field: FieldInfo, value: float) -> str:
    most, step = (60_000, "1") if name.endswith("_ms") else (1, "any")
    marked = ' class="set"' if value else ""
    return (
        f"<label><span>{field.description}</span>"
        f'<input type="number" name="{name}" min="0" max="{most}" step="{step}" value="{value:g}" required{marked}>'
        "</label>\n"
    )
