"""HTML page of the received mails; all their content is escaped."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final, NamedTuple

_MAIL: Final = """<article>
<h2>{subject}</h2>
<p>to {to}, <time datetime="{exact}">{readable}</time></p>
<pre>{text}</pre>
</article>
"""


class ShownMail(NamedTuple):
    """Mail to show on the page."""

    to: str
    subject: str
    text: str
    received_at: datetime


def render(mails: Sequence[ShownMail], at_most: int) -> str:
    """Renders the mails as HTML, in their order; `at_most` is the maximum of the page."""
    summary = f"The newest {len(mails)}, at most {at_most}." if mails else "There are none yet."
    return f"<p>{summary} The sandbox has not sent them. Reload to see more.</p>\n{''.join(map(_article, mails))}"


def _article(mail: ShownMail) -> str:
    return _MAIL.format(
        subject=escape(mail.subject),
        to=escape(mail.to),
        exact=mail.received_at.isoformat(),
        readable=mail.received_at.strftime("%d %b %Y, %H:%M:%S UTC"),
        text=escape(mail.text),
    )
