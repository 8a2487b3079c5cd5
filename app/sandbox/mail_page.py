"""The mails as a page: everything in them is escaped."""

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
    """A mail as the page shows it."""

    to: str
    subject: str
    text: str
    received_at: datetime


def render(mails: Sequence[ShownMail], at_most: int) -> str:
    """The HTML of these mails, in their order; `at_most` is how many the page ever shows."""
    summary = f"The newest {len(mails)}, no more than {at_most}." if mails else "There are none yet."
    return f"<p>{summary} None was sent: this is the sandbox. Reload to see more.</p>\n{''.join(map(_article, mails))}"


def _article(mail: ShownMail) -> str:
    return _MAIL.format(
        subject=escape(mail.subject),
        to=escape(mail.to),
        exact=mail.received_at.isoformat(),
        readable=mail.received_at.strftime("%d %b %Y, %H:%M:%S UTC"),
        text=escape(mail.text),
    )
