"""Request and response bodies of registration and tokens."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from app.accounts.names import USERNAME, free, personal
from app.accounts.weak_passwords import MIN_LENGTH, refuse_own, refuse_weak
from app.schemas import Input, Whole, examples
from app.text.folding import fold
from app.text.types import Name, Plain, plain

MAX_ADDRESS: Final = 254
MAX_PASSWORD: Final = 128
# Below 16, the consent of a parent is needed in some countries of the European Union (GDPR, article 8).
MIN_AGE: Final = 16


def _short_when_folded(address: str) -> str:
    """Bounds the folded form as well, which is stored: some letters become three when their case is folded."""
    if len(fold(address)) > MAX_ADDRESS:
        raise ValueError(f"must be {MAX_ADDRESS} characters or less, with its case folded")
    return address


_PLAIN: Final[JsonDict] = {"pattern": Plain.pattern}  # pydantic does not document it for secrets


def _plain_secret(secret: SecretStr) -> SecretStr:
    plain(secret.get_secret_value())
    return secret


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    refuse_weak(secret.get_secret_value())
    return secret


Username = Annotated[str, StringConstraints(pattern=f"^{USERNAME.pattern}$"), AfterValidator(free)]
DisplayName = Annotated[str, StringConstraints(max_length=64), Name, AfterValidator(personal)]
Address = Annotated[EmailStr, AfterValidator(_short_when_folded), Field(json_schema_extra={"maxLength": MAX_ADDRESS})]
Password = Annotated[
    SecretStr,
    Field(min_length=MIN_LENGTH, max_length=MAX_PASSWORD, json_schema_extra=_PLAIN),
    AfterValidator(_plain_secret),
    AfterValidator(_hard_to_guess),
]


class PasswordTwice(Input):
    """Base class of bodies with a new `password`, and with its repetition as `password_confirm`."""

    @model_validator(mode="after")
    def _same_twice(self) -> Self:
        password, repetition = (getattr(self, name) for name in ("password", "password_confirm"))
        if password.get_secret_value() != repetition.get_secret_value():
            raise ValueError("password and password_confirm differ")
        return self


class Registration(PasswordTwice):
    """Account to register. A password that is too long is rejected, not truncated. The age is only checked."""

    model_config = examples(
        {
            "username": "ada",
            "email": "ada@example.com",
            "password": "correct horse battery",
            "password_confirm": "correct horse battery",
        }
    )

    username: Username
    display_name: DisplayName | None = None
    email: Address
    age: Annotated[int, Field(ge=MIN_AGE, le=150), Whole] | None = None
    password: Password
    password_confirm: SecretStr

    @field_validator("password")
    @classmethod
    def _not_the_account(cls, password: SecretStr, others: ValidationInfo) -> SecretStr:
        """Uses the preceding fields that are valid."""
        refuse_own(password.get_secret_value(), others.data.get("username", ""), others.data.get("email", ""))
        return password


class AccountView(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    username: str
    display_name: str | None
    email: str
    role: str
    is_active: bool
    created_at: datetime


class PasswordGrant(BaseModel):
    """Form of the password grant (RFC 6749, 4.3). Empty fields count as missing (3.2). No client is required."""

    grant_type: Annotated[str, Field(pattern="^(?:password)?$")] = "password"
    username: Annotated[str, Field(min_length=1, examples=["ada"])]
    password: Annotated[SecretStr, Field(min_length=1)]
    scope: Annotated[str, Field(description="Ignored")] = ""
    client_id: Annotated[str, Field(description="Ignored")] = ""
    client_secret: Annotated[SecretStr, Field(description="Ignored")] = SecretStr("")


class Token(BaseModel):
    """An access token and the refresh token for the next one; `expires_in` is in seconds (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- the standard's word, no secret
    expires_in: int
    refresh_token: str


class RefreshRequest(Input):
    """Refresh token to use."""

    refresh_token: Annotated[
        SecretStr, Field(min_length=1, max_length=128, json_schema_extra=_PLAIN), AfterValidator(_plain_secret)
    ]
