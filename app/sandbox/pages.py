"""HTML pages of the sandbox: the index and the form of the faults."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from app.sandbox.behaviour import Behaviour, Operation
from app.sandbox.page import respond

router = APIRouter(include_in_schema=False)
_INDEX: Final = """<p>Stands in for the providers of payments, exchange rates and mail. It moves no money and sends no
mail.</p>
<article><h2><a href="/mails">Mails</a></h2><p>Read what the shop has sent, newest first.</p></article>
<article><h2><a href="/faults">Faults</a></h2><p>Make requests fail, hang or lose their responses.</p></article>
<article><h2><a href="/v1/ledger">Ledger</a></h2><p>Read all charges and refunds as JSON lines.</p></article>
<article><h2><a href="/docs">API</a></h2><p>Try the provider's API.</p></article>
"""
_PRESETS: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "none": ("No faults", {}),
    "declined": ("Decline every card", {"decline_rate": 1}),
    "down": ("Fail every request", {"fail_rate": 1}),
    "slow": ("Respond after 2 seconds", {"latency_ms": 2000}),
    "lost": ("Lose half of the responses", {"lie_rate": 0.5}),
}
_FORM: Final = """<p>Faults apply until the sandbox restarts. A share is a number from 0 (never) to 1 (always).
To use JSON instead: <code>GET</code> and <code>PUT /v1/behaviour</code>.</p>
{alert}<form method="post" action="/faults">
{presets}</form>
<form method="post" action="/faults">
{operations}<button>Set these faults</button>
</form>
"""


@router.get("/")
async def index() -> HTMLResponse:
    return respond("/", "Sandbox provider", _INDEX)


@router.get("/faults")
async def faults(request: Request) -> HTMLResponse:
    return respond("/faults", "Faults", _render(request.app.state.behaviour))


@router.post("/faults")
async def switch(request: Request) -> Response:
    """Sets the faults and redirects to the form; 403 for a form of another site, 422 for a form that is not valid."""
    if not _is_own(request):
        return respond("/faults", "Faults", "<p>Forms of other sites can't change the faults.</p>", 403)
    async with request.form() as form:
        try:
            request.app.state.behaviour = _read(form)
        except ValidationError as mistakes:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in mistakes.errors())
        except ValueError as mistake:
            wrong = str(mistake)
        else:
            return RedirectResponse("/faults", 303)
    alert = f'<p role="alert">Nothing was changed. {escape(wrong)}</p>\n'
    return respond("/faults", "Faults", _render(request.app.state.behaviour, alert), 422)


def _is_own(request: Request) -> bool:
    """Tests that the form belongs to this site. Clients other than browsers send no Origin."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def _read(form: Mapping[str, Any]) -> Behaviour:
    """Parses a submitted form. Raises ValueError if it is not valid."""
    if "preset" in form:
        name = str(form["preset"])
        if name not in _PRESETS:
            raise ValueError("There is no such preset.")
        return Behaviour.model_validate(_PRESETS[name][1])
    wanted: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        operation, _, field = name.partition(".")
        wanted.setdefault(operation, {})[field] = str(value)
    return Behaviour.model_validate(wanted)


def _render(behaviour: Behaviour, alert: str = "") -> str:
    """Renders the form with the current faults as HTML, below an alert."""
    presets = "".join(f'<button name="preset" value="{key}">{title}</button>\n' for key, (title, _) in _PRESETS.items())
    return _FORM.format(
        alert=alert, presets=presets, operations="".join(_fieldset(behaviour, each) for each in get_args(Operation))
    )


def _fieldset(behaviour: Behaviour, operation: str) -> str:
    faults = getattr(behaviour, operation)
    inputs = ""
    for name, field in type(faults).model_fields.items():
        most, step = (60_000, "1") if name.endswith("_ms") else (1, "any")
        value = getattr(faults, name)
        marked = ' class="set"' if value else ""
        inputs += (
            f'<label><span>{field.description}</span><input type="number" name="{operation}.{name}" min="0"'
            f' max="{most}" step="{step}" value="{value:g}" required{marked}></label>\n'
        )
    return f"<fieldset><legend>{operation}</legend>\n{inputs}</fieldset>\n"
