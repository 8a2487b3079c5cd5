"""What goes in and out of the user endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, StringConstraints, model_validator

from app.accounts.permissions import Role
from app.accounts.schemas import AccountView, Address, DisplayName, Password, same_password_twice
from app.inputs import Input
from app.paging import PageQuery
from app.text import Plain


class PublicView(BaseModel):
    """An account as others see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    username: str
    display_name: str | None
    created_at: datetime


class ProfileChange(Input):
    """What is left out stays; a display name of null is taken away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Ada L."}]})

    display_name: DisplayName | None = None
    email: Address = Field(default_factory=str)  # a factory: the default is never used, and the document names none


class PasswordChange(Input):
    """The password of now, and the one to come."""

    current_password: Annotated[SecretStr, Field(max_length=128)]
    password: Password
    password_confirm: SecretStr

    _same_password_twice = model_validator(mode="after")(same_password_twice)


class AccountQuery(PageQuery):
    """`search` is part of a username, a display name or an e-mail address."""

    search: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=120),
            Plain,
            Field(description="part of a username, a display name or an e-mail address"),
        ]
        | None
    ) = None


class AccountPage(BaseModel):
    """One page of accounts, oldest first; `total` counts all that match."""

    users: list[AccountView]
    page: int
    per_page: int
    total: int


class Rights(Input):
    """What an account may do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "moderator", "is_active": True}]})

    role: Role
    is_active: StrictBool


class RightsChange(Input):
    """What is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": False}]})

    role: Role = Field(default_factory=lambda: Role.USER)
    is_active: StrictBool = Field(default_factory=bool)
