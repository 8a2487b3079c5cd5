from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AccountSettings(BaseSettings):
    """Keys, tokens, and limits of log-ins and registrations."""

    secret_key: SecretStr | None = Field(
        None, description="Key that signs access tokens, 32 bytes or more; without it, one is made in STATE_DIR"
    )
    access_token_seconds: int = Field(900, ge=60, le=86400, description="Lifetime of an access token, in seconds")
    refresh_token_seconds: int = Field(
        14 * 86400, ge=60, le=366 * 86400, description="Lifetime of an unused refresh token, in seconds"
    )
    login_seconds: int = Field(
        30 * 86400, ge=60, le=366 * 86400, description="Seconds until a log-in ends, refreshed or not"
    )
    login_failures: int = Field(
        5, ge=1, description="Failed log-ins to allow in a window for one account from one address"
    )
    login_failures_per_address: int = Field(
        20, ge=1, description="Failed log-ins to allow in a window from one address"
    )
    login_failure_seconds: int = Field(300, ge=1, description="Length of the window of failed log-ins, in seconds")
    registrations_per_address: int = Field(
        60, ge=0, description="Registrations and e-mail changes to allow from one address in a window; 0: no limit"
    )
    registration_seconds: int = Field(3600, ge=1, description="Length of the window of registrations, in seconds")
    password_wait_seconds: float = Field(
        2, gt=0, description="Seconds that a password waits to be hashed or verified; then 503"
    )
