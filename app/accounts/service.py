"""What can be done with accounts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from app.accounts import repository
from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.accounts.schemas import USERNAME, Registration, Token
from app.accounts.tokens import Identity, Tokens
from app.errors import ConflictError, UnauthenticatedError
from app.infra.database import Database


class AccountTakenError(ConflictError):
    code = "account_taken"


@contextmanager
def of_existing_account() -> Iterator[None]:
    """Around what is written in an account's name: a token may outlive the account that it was made for."""
    try:
        yield
    except IntegrityError as error:
        raise UnauthenticatedError("The account of this token does not exist any more.") from error


class Accounts:
    """Registration and login."""

    def __init__(self, database: Database, passwords: Passwords, tokens: Tokens) -> None:
        self._database = database
        self._passwords = passwords
        self._tokens = tokens

    async def register(self, registration: Registration) -> Account:
        """Raises AccountTakenError when the name or the e-mail address is taken; it does not say which."""
        account = Account(
            username=registration.username,
            username_key=registration.username.casefold(),
            email=registration.email,
            email_key=registration.email.casefold(),
            password_hash=await self._passwords.hash(registration.password.get_secret_value()),
        )
        async with self._database.write() as session:
            if not await repository.add(session, account):
                raise AccountTakenError("This username or e-mail address is taken; choose another.")
        return account

    async def token(self, username: str, password: str) -> Token:
        """Raises UnauthenticatedError, in the same words and the same time whatever was wrong."""
        account = None
        if USERNAME.fullmatch(username):  # no other was ever registered, and a database may not take it
            async with self._database.read() as session:
                account = await repository.by_username(session, username)
        stored = account.password_hash if account is not None and account.is_active else None
        if not await self._passwords.verify(password, stored) or account is None:
            raise UnauthenticatedError("Username or password is wrong.")
        token = self._tokens.issue(Identity(account.id, account.role))
        return Token(access_token=token, expires_in=self._tokens.lifetime)
