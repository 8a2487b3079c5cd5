"""Templates of all e-mails, in plain text.

Values that users typed are inserted as single lines: a line break could add a header, or a paragraph in the shop's own
voice. Only the text of administrators may have paragraphs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Final

MAX_SUBJECT: Final = 150
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Email:
    """Subject, in one line, and text of an e-mail, or of its template."""

    subject: str
    text: str

    def fill(self, **values: str) -> "Email":
        """Fills a template. Raises KeyError when a placeholder has no value."""
        lines = {name: one_line(value) for name, value in values.items()}
        subject, text = (Template(part).substitute(lines) for part in (self.subject, self.text))
        return Email(one_line(subject)[:MAX_SUBJECT], text)


def one_line(text: str) -> str:
    """Replaces line breaks and control characters, which a header of an e-mail can't hold."""
    return _BREAKS.sub(" ", text).strip()


_WELCOME: Final = Email(
    "Welcome aboard, $name",
    """Hello $name,

your account at Binnacle is ready. Find something at /api/v1/items, and order it.

If it was not you who registered, write to us: somebody has used your address.
""",
)
RECEIPT: Final = Email(
    "Your order is paid: $total $currency",
    """Hello $name,

we have received $total $currency for your order $order. It is on its way.
""",
)
PAYMENT_FAILED: Final = Email(
    "Your order could not be paid",
    """Hello $name,

your order $order over $total $currency could not be paid: $reason. Nothing was charged, and nothing will be sent.
Order again with another card if you like.
""",
)
REFUND: Final = Email(
    "Your money is on its way back: $total $currency",
    """Hello $name,

your order $order was cancelled. We have given back $total $currency; it takes your bank some days to show it.
""",
)
_CAMPAIGN: Final = """{text}

--
You get this because you have an account at Binnacle.
"""
_REASONS: Final = {"card_declined": "the card was declined"}


def welcome(name: str) -> Email:
    return _WELCOME.fill(name=name)


def about_order(template: Email, name: str, order: Mapping[str, str], failure_reason: str = "") -> Email:
    """Fills a template of an order's e-mail. `order` holds its id, `total` and `currency`."""
    return template.fill(name=name, reason=_REASONS.get(failure_reason, "the payment was refused"), **order)


def campaign(subject: str, text: str) -> Email:
    """Returns the e-mail as its author wrote it, without placeholders."""
    return Email(one_line(subject)[:MAX_SUBJECT], _CAMPAIGN.format(text=text.strip()))
