"""E-mail templates: input cannot add lines or headers."""

import pytest

from app.mail import templates

BREAKS = "\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\t"


@pytest.mark.parametrize("broken", BREAKS)
def test_a_name_can_not_add_a_line(broken: str) -> None:
    email = templates.welcome(f"Eve{broken}Bcc: all@example.com{broken}{broken}You have won")
    assert email.subject == "Welcome aboard, Eve Bcc: all@example.com You have won"
    plain = templates.welcome("Eve")
    assert len(email.text.splitlines()) == len(plain.text.splitlines())
    assert templates.campaign(f"Hello{broken}Bcc: all@example.com", "text").subject == "Hello Bcc: all@example.com"


def test_template_syntax_in_input_is_not_expanded() -> None:
    for name in ("$total", "${order}", "{text}", "$"):
        assert f"Hello {name}," in templates.welcome(name).text
    assert templates.campaign("50 $off", "$name {text} 100 %").text.startswith("$name {text} 100 %\n")


def test_a_long_name_is_cut_to_the_subject_limit() -> None:
    assert len(templates.welcome("x" * 500).subject) == templates.MAX_SUBJECT


def test_each_template_names_its_order_and_amount() -> None:
    order = {"order": "order-7", "total": "19.90", "currency": "EUR"}
    receipt = templates.about_order(templates.RECEIPT, "Ada", order)
    assert receipt.subject == "Your order is paid: 19.90 EUR"
    assert "order-7" in receipt.text
    failed = templates.about_order(templates.PAYMENT_FAILED, "Ada", order, "card_declined")
    assert "the card was declined" in failed.text
    other = templates.about_order(templates.PAYMENT_FAILED, "Ada", order, "some_new_code")
    assert "the payment was refused" in other.text
    assert templates.about_order(templates.REFUND, "Ada", order).subject.endswith("19.90 EUR")
    assert templates.campaign("Hello", "One\n\nTwo").text.startswith("One\n\nTwo\n")
