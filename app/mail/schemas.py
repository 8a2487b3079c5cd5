"""Request body of the campaign endpoint."""

from typing import Annotated

from pydantic import StringConstraints

from app.mail.templates import MAX_SUBJECT
from app.schemas import Input, examples
from app.text.types import Filled, OneLine


class NewCampaign(Input):
    """Plain-text e-mail to all active accounts."""

    model_config = examples({"subject": "New in the shop", "text": "Come and see our new sextants."})

    subject: Annotated[str, StringConstraints(max_length=MAX_SUBJECT), OneLine]
    text: Annotated[str, StringConstraints(max_length=20_000), Filled]
