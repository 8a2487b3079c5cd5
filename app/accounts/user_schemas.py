"""Request and response bodies of users."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, StringConstraints, model_validator

from app.accounts.permissions import Role
from app.accounts.schemas import MAX_PASSWORD, AccountView, Address, DisplayName, Password, PasswordTwice
from app.schemas import Input, PageQuery, examples
from app.text.types import Plain

SearchText = Annotated[str, StringConstraints(min_length=1, max_length=120), Plain]
CurrentPassword = Annotated[SecretStr, Field(max_length=MAX_PASSWORD)]


class PublicView(BaseModel):
    """An account as others see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    username: str
    display_name: str | None
    created_at: datetime


class ProfileChange(Input):
    """Changes of a profile; missing fields stay unchanged. A null `display_name` removes it.

    A new `email` requires `current_password`.
    """

    model_config = examples(
        {"display_name": "Ada L."},
        {"email": "ada@example.com", "current_password": "correct horse battery"},
        dependentRequired={"email": ["current_password"]},
    )

    display_name: DisplayName | None = None
    # Factories, since the defaults are never used and must not be documented.
    email: Address = Field(default_factory=str)
    current_password: CurrentPassword = Field(default_factory=lambda: SecretStr(""))

    @model_validator(mode="after")
    def _password_with_a_new_address(self) -> Self:
        if "email" in self.model_fields_set and "current_password" not in self.model_fields_set:
            raise ValueError("a new e-mail address needs current_password")
        return self


class PasswordChange(PasswordTwice):
    """Current and new password."""

    current_password: CurrentPassword
    password: Password
    password_confirm: SecretStr


class Deletion(Input):
    """Current password, as a confirmation."""

    current_password: CurrentPassword


class AccountQuery(PageQuery):
    """Filter and page of a list of accounts."""

    search: Annotated[
        SearchText | None, Field(description="Part of a username, a display name or an e-mail address")
    ] = None


class AccountPage(BaseModel):
    """One page of accounts, oldest first; `total` counts all that match."""

    users: list[AccountView]
    page: int
    per_page: int
    total: int


class Rights(Input):
    """Rights of an account."""

    model_config = examples({"role": "moderator", "is_active": True})

    role: Role
    is_active: StrictBool


class RightsChange(Input):
    """Changes of an account's rights; missing fields stay unchanged."""

    model_config = examples({"is_active": False})

    role: Role = Field(default_factory=lambda: Role.USER)
    is_active: StrictBool = Field(default_factory=bool)
