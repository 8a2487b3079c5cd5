"""Refresh tokens: opaque, single-use, in families that expire (RFC 9700, 4.14.2).

A login begins a family; each use exchanges a token for the next one of its family. A token that is used twice was
stolen, by one of the two callers: so the family is revoked. One mark on any of its rows revokes it, so that no
concurrent exchange can issue a valid token.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Index, delete, exists, insert, select, update
from sqlalchemy.orm import aliased

from app.accounts.models import Account, RefreshToken
from app.infra.database import WriteSession
from app.infra.database.orm import delete_batch, now

TOKEN_BYTES = 32

Index("ix_refresh_tokens_family_expires_at", RefreshToken.family_expires_at)  # for the sweep


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lifetimes in seconds: of an unused token, and of a family."""

    token: int
    family: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """Account of an exchanged token, and the next token."""

    account_id: UUID
    role: str
    token_version: int
    family_id: UUID
    refresh_token: str


async def begin(session: WriteSession, account_id: UUID, lifetimes: Lifetimes) -> tuple[UUID, str]:
    """Returns a new family and its first token. Deletes the account's expired families."""
    ended = delete(RefreshToken).where(RefreshToken.account_id == account_id, RefreshToken.family_expires_at < now())
    await session.execute(ended.execution_options(synchronize_session=False))
    family_id, family_expires_at = uuid4(), now() + timedelta(seconds=lifetimes.family)
    return family_id, await _add(session, account_id, family_id, family_expires_at, lifetimes)


async def exchange(session: WriteSession, token: str, lifetimes: Lifetimes) -> Exchange | None:
    """Uses a token up; returns None when it is not valid. Of concurrent uses, the database lets one through."""
    moment = now()
    statement = (
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == _hash(token),
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > moment,
            ~_family_ended(),
        )
        .values(used_at=moment)
        .returning(RefreshToken.account_id, RefreshToken.family_id, RefreshToken.family_expires_at)
        .execution_options(synchronize_session=False)
    )
    used = (await session.execute(statement)).one_or_none()
    if used is None:
        return None
    account_id, family_id, family_expires_at = used
    query = select(Account.role, Account.token_version).where(Account.id == account_id, Account.is_active)
    account = (await session.execute(query)).one_or_none()
    if account is None:
        return None
    following = await _add(session, account_id, family_id, family_expires_at, lifetimes)
    return Exchange(account_id, account.role, account.token_version, family_id, following)


async def end_family_if_used(session: WriteSession, token: str) -> UUID | None:
    """Revokes the family of a used token and returns its account; None when it was unused or revoked before."""
    return await _end(session, [RefreshToken.token_hash == _hash(token), RefreshToken.used_at.is_not(None)])


async def end_family(session: WriteSession, token: str) -> None:
    """Revokes the token's family; does nothing for an unknown token."""
    await _end(session, [RefreshToken.token_hash == _hash(token)])


async def end_all(session: WriteSession, account_id: UUID) -> None:
    """Revokes every family of an account."""
    await _end(session, [RefreshToken.account_id == account_id])


async def sweep(session: WriteSession) -> int:
    """Deletes a batch of tokens whose families have expired, revoked or not; returns how many."""
    return await delete_batch(session, RefreshToken, RefreshToken.family_expires_at < now())


def _family_ended() -> ColumnElement[bool]:
    relative = aliased(RefreshToken)
    return exists().where(relative.family_id == RefreshToken.family_id, relative.revoked_at.is_not(None))


def ended(family_id: UUID) -> ColumnElement[bool]:
    """Returns a condition that holds for a revoked family."""
    return exists().where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_not(None))


async def _end(session: WriteSession, which: Sequence[ColumnElement[bool]]) -> UUID | None:
    statement = (
        update(RefreshToken)
        .where(*which, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(RefreshToken.account_id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).scalars().first()


async def _add(
    session: WriteSession, account_id: UUID, family_id: UUID, family_expires_at: datetime, lifetimes: Lifetimes
) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    moment = now()
    row = {
        "id": uuid4(),
        "account_id": account_id,
        "family_id": family_id,
        "token_hash": _hash(token),
        "created_at": moment,
        "expires_at": min(moment + timedelta(seconds=lifetimes.token), family_expires_at),
        "family_expires_at": family_expires_at,
    }
    await session.execute(insert(RefreshToken).values(row))
    return token


def _hash(token: str) -> str:
    # A plain hash is enough: 256 random bits can't be guessed, however fast the hash is.
    return hashlib.sha256(token.encode()).hexdigest()
