"""HTML pages of the sandbox: the index and the form of the faults."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from app.sandbox import fault_form
from app.sandbox.page import respond

router = APIRouter(include_in_schema=False)
_INDEX: Final = """<p>Stands in for the providers of payments, exchange rates and mail. It moves no money and sends no
mail.</p>
<article><h2><a href="/mails">Mails</a></h2><p>Read what the shop has sent, newest first.</p></article>
<article><h2><a href="/faults">Faults</a></h2><p>Make requests fail, hang or lose their responses.</p></article>
<article><h2><a href="/v1/ledger">Ledger</a></h2><p>Read all charges and refunds as JSON lines.</p></article>
<article><h2><a href="/docs">API</a></h2><p>Try the provider's API.</p></article>
"""


@router.get("/")
async def index() -> HTMLResponse:
    return respond("/", "Sandbox provider", _INDEX)


@router.get("/faults")
async def faults(request: Request) -> HTMLResponse:
    return respond("/faults", "Faults", fault_form.render(request.app.state.behaviour))


@router.post("/faults")
async def switch(request: Request) -> Response:
    """Sets the faults and redirects to the form; 403 for a form of another site, 422 for a form that is not valid."""
    if not _is_own(request):
        return respond("/faults", "Faults", "<p>Forms of other sites can't change the faults.</p>", 403)
    async with request.form() as form:
        try:
            request.app.state.behaviour = fault_form.read(form)
        except ValidationError as mistakes:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in mistakes.errors())
            return _refused(request, wrong)
        except ValueError as mistake:
            return _refused(request, str(mistake))
    return RedirectResponse("/faults", 303)


def _refused(request: Request, wrong: str) -> Response:
    said = f"Nothing was changed. {wrong}"
    return respond("/faults", "Faults", fault_form.render(request.app.state.behaviour, said), 422)


def _is_own(request: Request) -> bool:
    """Tests that the form belongs to this site. Clients other than browsers send no Origin."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")
