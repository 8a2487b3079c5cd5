"""python -m app promote: gives a role to an account, such as the first administrator's, which the API can't create."""

import asyncio
import sys
from argparse import Namespace

from app.accounts import repository
from app.accounts.administration import Administration
from app.accounts.permissions import Role
from app.accounts.profiles import AccountNotFoundError
from app.accounts.revocation import Access
from app.commands.startup import settings_and_logs
from app.errors import DomainError
from app.infra.database import open_database
from app.settings import Settings


def run(options: Namespace) -> int:
    settings = settings_and_logs(options.command)
    try:
        result = asyncio.run(promote(settings, options.name, Role(options.role)))
    except DomainError as refusal:
        sys.stderr.write(f"promote: {refusal}\n")
        return 1
    sys.stdout.write(f"{result}\n")
    return 0


async def promote(settings: Settings, name: str, role: Role) -> str:
    """Gives a role to an account, by the same rules as the API; returns a sentence about the result.

    Raises AccountNotFoundError, LastAdminError and UnavailableError.
    """
    async with open_database(settings) as database:
        async with database.read() as session:
            account = await repository.by_username(session, name)
        if account is None:
            raise AccountNotFoundError(f"There is no account {name!r}; register it first: POST /api/v1/auth/register")
        if account.role == role:
            return f"{account.username} is {role} already; nothing was changed."
        await Administration(database, Access(database)).change_rights(account.id, {"role": role})
    return f"{account.username} is {role} now. Tokens of before end within five seconds: log in again."
