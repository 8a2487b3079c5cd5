"""The mails as a page: plain HTML, everything escaped, no scripts."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final, NamedTuple

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mails · Binnacle sandbox</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; margin-bottom: 0; }}
h2 {{ font-size: 1rem; margin: 0; overflow-wrap: anywhere; }}
p {{ margin: 0; opacity: .75; overflow-wrap: anywhere; }}
article {{ border: 1px solid #8886; border-radius: 6px; padding: .75rem 1rem; margin-top: 1rem; }}
pre {{ font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 0; }}
</style>
</head>
<body>
<h1>Mails</h1>
<p>{summary} None was sent: this is the sandbox. Reload to see more.</p>
{letters}
</body>
</html>
"""
_LETTER: Final = """<article>
<h2>{subject}</h2>
<p>to {to}, <time datetime="{exact}">{readable}</time></p>
<pre>{text}</pre>
</article>
"""


class Letter(NamedTuple):
    """A mail."""

    to: str
    subject: str
    text: str
    received_at: datetime


def render(letters: Sequence[Letter], at_most: int) -> str:
    """The page of these letters, in their order; `at_most` is how many it would ever show."""
    summary = f"The newest {len(letters)}, no more than {at_most}." if letters else "There are none yet."
    return _PAGE.format(summary=summary, letters="".join(map(_letter, letters)))


def _letter(letter: Letter) -> str:
    return _LETTER.format(
        subject=escape(letter.subject),
        to=escape(letter.to),
        exact=letter.received_at.isoformat(),
        readable=letter.received_at.strftime("%d %b %Y, %H:%M:%S UTC"),
        text=escape(letter.text),
    )
