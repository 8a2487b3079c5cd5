"""Topics of messages that send e-mails. Payloads hold ids; the address is looked up when the e-mail is sent."""

from typing import Final

MAIL_WELCOME: Final = "mail_welcome"
MAIL_RECEIPT: Final = "mail_receipt"
MAIL_ORDER_FAILED: Final = "mail_order_failed"
MAIL_REFUND: Final = "mail_refund"
MAIL_CAMPAIGN: Final = "mail_campaign"  # the e-mail of one account
SEND_CAMPAIGN: Final = "send_campaign"  # the whole campaign
