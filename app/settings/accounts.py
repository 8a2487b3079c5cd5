"""Keys, tokens and the limits of logging in and registering."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AccountSettings(BaseSettings):
    """Keys, tokens and the limits of logging in and registering."""

    secret_key: SecretStr | None = Field(
        None, description="signs the access tokens, 32 bytes or more; without it, one is made in STATE_DIR"
    )
    access_token_seconds: int = Field(900, ge=60, le=86400, description="life of an access token")
    refresh_token_seconds: int = Field(
        14 * 86400, ge=60, le=366 * 86400, description="life of a refresh token that is not used"
    )
    login_seconds: int = Field(
        30 * 86400, ge=60, le=366 * 86400, description="after this a password is asked for again, refreshed or not"
    )
    login_failures: int = Field(5, ge=1, description="failed logins to one account from one address, in a window")
    login_failures_per_address: int = Field(20, ge=1, description="failed logins from one address, in a window")
    login_failure_seconds: int = Field(300, ge=1, description="length of that window")
    registrations_per_address: int = Field(
        60, ge=0, description="registrations and e-mail changes from one address, in a window; 0 for no limit"
    )
    registration_seconds: int = Field(3600, ge=1, description="length of that window")
    password_wait_seconds: float = Field(
        2, gt=0, description="longest wait until a password can be hashed or verified; then 503"
    )
