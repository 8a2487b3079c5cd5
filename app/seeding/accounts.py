"""Creates the three accounts of a local shop, one for each role, with passwords that are generated at the first start.

STATE_DIR keeps the passwords, readable by its owner alone; they are shown until they are changed. Never on a cluster.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.accounts import repository
from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.accounts.permissions import Role
from app.infra.database import Database, open_database
from app.settings import Settings
from app.settings.state_folder import private_folder

FILE: Final = "passwords.json"
ROLES: Final = tuple(role.value for role in Role)


def introduce(settings: Settings) -> Mapping[str, str]:
    """Makes the accounts that are missing; the passwords, by username, that nobody has changed since."""
    return asyncio.run(_introduce(settings))


async def _introduce(settings: Settings) -> Mapping[str, str]:
    kept, passwords = _kept(settings.state_dir / FILE), Passwords()
    unchanged = {}
    async with open_database(settings) as database:
        for role in ROLES:
            async with database.read() as session:
                account = await repository.by_username(session, role)
            if account is None:
                await add(database, role, await passwords.hash(kept[role]), role)
            if account is None or await passwords.verify(kept[role], account.password_hash):
                unchanged[role] = kept[role]
    return unchanged


async def add(database: Database, name: str, password_hash: str, role: str = Role.USER) -> Account | None:
    """Adds an account; returns None when another process has added it. `name` is in lower case."""
    names, address = {"username": name, "username_key": name}, f"{name}@example.com"
    account = Account(**names, email=address, email_key=address, role=role, password_hash=password_hash)
    async with database.write() as session:
        return account if await repository.add(session, account) else None


def _kept(path: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {role: secrets.token_urlsafe(12) for role in ROLES}
        private_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(kept, file)
    return kept
