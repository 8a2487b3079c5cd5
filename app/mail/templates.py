"""What is written: every text that people get by mail, in one place, in plain text.

What somebody typed comes into a letter as a line: a line break would be another line of the head, or a paragraph in the
shop's own voice. Text of administrators is the one that may have paragraphs.
"""

import re
from dataclasses import dataclass
from string import Template
from typing import Final

LONGEST_SUBJECT: Final = 150
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject, which is one line, and a text."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class _Form:
    subject: Template
    text: Template

    def fill(self, **values: str) -> Letter:
        """Raises KeyError when the form asks for more than it is given."""
        lines = {name: one_line(value) for name, value in values.items()}
        subject = one_line(self.subject.substitute(lines))
        return Letter(subject[:LONGEST_SUBJECT], self.text.substitute(lines))


def one_line(text: str) -> str:
    """The text without breaks and control characters, which no line of a mail's head can hold."""
    return _BREAKS.sub(" ", text).strip()


def _form(subject: str, text: str) -> _Form:
    return _Form(Template(subject), Template(text))


_WELCOME: Final = _form(
    "Welcome aboard, $name",
    """Hello $name,

your account at Binnacle is ready. Find something at /api/v1/items, and order it.

If it was not you who registered, write to us: somebody has used your address.
""",
)
_RECEIPT: Final = _form(
    "Your order is paid: $total $currency",
    """Hello $name,

we have received $total $currency for your order $order. It is on its way.
""",
)
_FAILED: Final = _form(
    "Your order could not be paid",
    """Hello $name,

your order $order over $total $currency could not be paid: $reason. Nothing was charged, and nothing will be sent.
Order again with another card if you like.
""",
)
_REFUND: Final = _form(
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


def welcome(name: str) -> Letter:
    return _WELCOME.fill(name=name)


def receipt(name: str, order: str, total: str, currency: str) -> Letter:
    return _RECEIPT.fill(name=name, order=order, total=total, currency=currency)


def payment_failed(name: str, order: str, total: str, currency: str, reason: str) -> Letter:
    """`reason` is the code of the order."""
    reason = _REASONS.get(reason, "the payment was refused")
    return _FAILED.fill(name=name, order=order, total=total, currency=currency, reason=reason)


def refund(name: str, order: str, total: str, currency: str) -> Letter:
    return _REFUND.fill(name=name, order=order, total=total, currency=currency)


def campaign(subject: str, text: str) -> Letter:
    """As its author wrote it; nothing is filled in."""
    return Letter(one_line(subject)[:LONGEST_SUBJECT], _CAMPAIGN.format(text=text.strip()))
