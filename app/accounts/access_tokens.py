"""Access tokens: short-lived JWTs of one audience, signed with HS256 (RFC 7519, RFC 8725)."""

import secrets
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import jwt

from app.errors import UnauthenticatedError

ISSUER: Final = "binnacle"
AUDIENCE: Final = "binnacle-api"
_ALGORITHM: Final = "HS256"
_REQUIRED: Final = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Caller that a token names, with the account's version and the family of refresh tokens at the time of issue."""

    account_id: UUID
    role: str
    token_version: int = 0
    session_id: UUID | None = None


class Tokens:
    """Issues and reads access tokens. `lifetime` is in seconds."""

    def __init__(self, key: str, lifetime: int) -> None:
        self._key = key
        self.lifetime = lifetime

    def issue(self, identity: Identity) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(identity.account_id),
            "role": identity.role,
            "ver": identity.token_version,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(16),
        }
        if identity.session_id is not None:
            claims["sid"] = str(identity.session_id)
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Identity:
        """Returns the token's identity. Raises UnauthenticatedError when it is invalid, expired or too long-lived."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=5,
                options={"require": _REQUIRED},
            )
            if claims["exp"] - claims["iat"] > self.lifetime:
                raise UnauthenticatedError("The access token lives longer than this service allows.")
            # Tokens of older releases lack `sid`, or `ver`: the account was at its first version then.
            session_id = UUID(claims["sid"]) if "sid" in claims else None
            return Identity(UUID(claims["sub"]), str(claims["role"]), int(claims.get("ver", 0)), session_id)
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
            raise UnauthenticatedError("The access token is not valid or has expired; get a new one.") from None
