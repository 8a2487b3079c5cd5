"""Layout of the sandbox's pages: plain HTML for light and dark mode, without scripts and external files."""

from typing import Final

from fastapi.responses import HTMLResponse

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Binnacle sandbox</title>
<style>
:root {{ color-scheme: light dark; --line: light-dark(#aaa, #666); --soft: light-dark(#555, #aaa); }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; }}
nav {{ display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line); }}
a {{ color: light-dark(#0b57d0, #8ab4f8); }}
a[aria-current] {{ color: inherit; font-weight: 600; text-decoration: none; }}
h1 {{ font-size: 1.4rem; margin: 1rem 0 0; }}
h2 {{ font-size: 1rem; margin: 0; overflow-wrap: anywhere; }}
p {{ margin: 0; color: var(--soft); overflow-wrap: anywhere; }}
article, fieldset {{ border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; margin: 1rem 0 0; }}
pre {{ font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 0; }}
legend {{ font-weight: 600; padding: 0 .25rem; }}
fieldset {{ min-width: 0; }}
label {{ display: grid; grid-template-columns: 1fr 6.5rem; gap: .25rem 1rem; align-items: center; padding: .3rem 0; }}
input, button {{ font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: 6px; }}
input {{ width: 100%; box-sizing: border-box; }}
input.set {{ border: 2px solid light-dark(#b3261e, #f2b8b5); }}
button {{ cursor: pointer; margin: .5rem .5rem 0 0; }}
a:focus-visible, button:focus-visible, input:focus-visible {{ outline: 3px solid light-dark(#0b57d0, #8ab4f8); }}
[role=alert] {{ border-left: 4px solid light-dark(#b3261e, #f2b8b5); padding-left: .75rem; margin-top: 1rem; }}
</style>
</head>
<body>
<nav aria-label="Sandbox">{links}</nav>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_LINKS: Final = {"/": "Sandbox", "/mails": "Mails", "/faults": "Faults", "/docs": "API"}


def respond(path: str, title: str, body: str, status: int = 200) -> HTMLResponse:
    """Returns the page at `path`. `body` is HTML, in which all external text must be escaped."""
    links = "\n".join(
        f'<a href="{to}"{" aria-current=page" if to == path else ""}>{name}</a>' for to, name in _LINKS.items()
    )
    return HTMLResponse(_PAGE.format(title=title, links=links, body=body), status, headers=_HEADERS)
