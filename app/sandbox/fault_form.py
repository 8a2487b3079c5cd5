"""HTML form of the sandbox's faults."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo

from app.sandbox.behaviour import Behaviour, Faults, Operation

PRESETS: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "none": ("No faults", {}),
    "declined": ("Decline every card", {"decline_rate": 1}),
    "down": ("Fail every request", {"fail_rate": 1}),
    "slow": ("Respond after 2 seconds", {"latency_ms": 2000}),
    "lost": ("Lose half of the responses", {"lie_rate": 0.5}),
}
_INTRODUCTION: Final = """<p>Faults apply until the sandbox restarts. A share is a number from 0 (never) to 1 (always).
To use JSON instead: <code>GET</code> and <code>PUT /v1/behaviour</code>.</p>
"""


def read(form: Mapping[str, Any]) -> Behaviour:
    """Parses a submitted form. Raises ValueError if it is not valid."""
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
    """Renders the form with the current faults as HTML, below the `refusal` of the last submission."""
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
