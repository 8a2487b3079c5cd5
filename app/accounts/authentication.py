"""Registration, login, and the exchange of refresh tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass

import structlog
from sqlalchemy.exc import IntegrityError

from app.accounts import refresh_tokens, repository
from app.accounts.access_tokens import Identity, Tokens
from app.accounts.login_limits import Attempt, LoginLimits, RegistrationLimits
from app.accounts.models import Account
from app.accounts.names import USERNAME
from app.accounts.passwords import Passwords
from app.accounts.refresh_tokens import Lifetimes
from app.accounts.schemas import Registration, Token
from app.errors import ConflictError, TooManyRequestsError, UnauthenticatedError
from app.events import UserRegistered
from app.infra.database import Database
from app.infra.event_bus import Events
from app.telemetry.metrics import AccountMetrics
from app.text.folding import fold

WRONG = "Username or password is wrong."
TAKEN = "This username or e-mail address is taken; choose another."


class AccountTakenError(ConflictError):
    code = "account_taken"


@contextmanager
def of_existing_account() -> Iterator[None]:
    """Turns a foreign-key violation on the account into UnauthenticatedError: a token can outlive its account."""
    try:
        yield
    except IntegrityError as error:
        raise UnauthenticatedError("The account of this token does not exist any more.") from error


@dataclass(frozen=True, slots=True)
class Accounts:
    """Registration, login, and the exchange of refresh tokens."""

    database: Database
    events: Events
    passwords: Passwords
    tokens: Tokens
    lifetimes: Lifetimes
    _: KW_ONLY
    limits: LoginLimits
    registrations: RegistrationLimits
    metrics: AccountMetrics

    async def register(self, registration: Registration, address: str) -> Account:
        """Adds an account for a client at `address`. All cheaper checks come before the password hash.

        Raises AccountTakenError when the name or the e-mail address is taken, without telling which;
        TooManyRequestsError after too many registrations from the address; and HashingBusyError.
        """
        await self.registrations.count(address)
        username_key, email_key = fold(registration.username), fold(registration.email)
        async with self.database.read() as session:
            if await repository.is_taken(session, username_key, email_key):
                raise AccountTakenError(TAKEN)
        account = Account(
            **registration.model_dump(include={"username", "display_name", "email"}),
            username_key=username_key,
            email_key=email_key,
            password_hash=await self.passwords.hash(registration.password.get_secret_value()),
        )
        async with self.database.write() as session:
            if not await repository.add(session, account):
                raise AccountTakenError(TAKEN)
            self.events.record(session, UserRegistered(account.id))
        return account

    async def token(self, username: str, password: str, address: str) -> Token:
        """Logs in. Raises UnauthenticatedError, with the same message and duration whatever was wrong.

        Raises TooManyRequestsError after too many failures, even for a correct password, and HashingBusyError.
        """
        attempt = Attempt.of(username, address)
        try:
            token = await self._log_in(username, password, attempt)
        except (UnauthenticatedError, TooManyRequestsError) as refusal:
            self.metrics.logins.labels("wrong" if isinstance(refusal, UnauthenticatedError) else "limited").inc()
            raise
        await self.limits.succeeded(attempt)
        self.metrics.logins.labels("ok").inc()
        return token

    async def _log_in(self, username: str, password: str, attempt: Attempt) -> Token:
        await self.limits.check(attempt)  # before waiting for a slot
        account = None
        if USERNAME.fullmatch(username):  # no other name is registered, and a database may refuse it
            async with self.database.read() as session:
                account = await repository.by_username(session, username)
        fits = await self.limits.verify(self.passwords, "login", attempt, password, account)
        if account is None or not fits:
            raise UnauthenticatedError(WRONG)
        async with self.database.write() as session:
            # The password, the role or the active flag may have changed while the hash was made.
            if not await repository.lock_version(session, account.id, account.token_version):
                raise UnauthenticatedError(WRONG)
            family_id, refresh_token = await refresh_tokens.begin(session, account.id, self.lifetimes)
        return self._issue(Identity(account.id, account.role, account.token_version, family_id), refresh_token)

    async def refresh(self, refresh_token: str) -> Token:
        """Exchanges a refresh token. Raises UnauthenticatedError when it is unknown, used, revoked or expired."""
        async with self.database.write() as session:
            exchanged = await refresh_tokens.exchange(session, refresh_token, self.lifetimes)
            if exchanged is None:
                robbed = await refresh_tokens.end_family_if_used(session, refresh_token)
        if exchanged is None:
            if robbed is not None:
                structlog.get_logger().warning("refresh_token_reused", account_id=robbed)
            raise UnauthenticatedError("The refresh token is not valid (any more); log in again.")
        return self._issue(*exchanged)

    async def logout(self, refresh_token: str) -> None:
        """Revokes the token's family; its access tokens end within seconds."""
        async with self.database.write() as session:
            await refresh_tokens.end_family(session, refresh_token)

    def _issue(self, identity: Identity, refresh_token: str) -> Token:
        access_token = self.tokens.issue(identity)
        return Token(access_token=access_token, expires_in=self.tokens.lifetime, refresh_token=refresh_token)
