"""Refresh tokens: opaque, single-use, in families that expire (RFC 9700, 4.14.2).

A login begins a family; each use exchanges a token for the next one of its family. A token that is used twice was
stolen, by one of the two callers: so the family is revoked. One mark on any of its rows revokes it, so that no
concurrent exchange can issue a valid token.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Index, delete, exists, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.accounts.access_tokens import Identity
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


async def begin(session: WriteSession, account_id: UUID, lifetimes: Lifetimes) -> tuple[UUID, str]:
    """Returns a new family and its first token. Deletes the account's expired families."""
    expired = RefreshToken.family_expires_at < now()
    await session.execute(delete(RefreshToken).where(RefreshToken.account_id == account_id, expired))
    family_id, family_expires_at = uuid4(), now() + timedelta(seconds=lifetimes.family)
    return family_id, await _add(session, account_id, family_id, family_expires_at, lifetimes)


async def exchange(session: WriteSession, token: str, lifetimes: Lifetimes) -> tuple[Identity, str] | None:
    """Uses a token up; returns its identity and the next token, None when invalid. Of concurrent uses, one succeeds."""
    moment = now()
    statement = (
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == _hash(token),
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > moment,
            ~ended(RefreshToken.family_id),
        )
        .values(used_at=moment)
        .returning(RefreshToken.account_id, RefreshToken.family_id, RefreshToken.family_expires_at)
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
    return Identity(account_id, account.role, account.token_version, family_id), following


async def end_family_if_used(session: WriteSession, token: str) -> UUID | None:
    """Revokes the family of a used token and returns its account; None when it was unused or revoked before."""
    return await _end(session, RefreshToken.token_hash == _hash(token), RefreshToken.used_at.is_not(None))


async def end_family(session: WriteSession, token: str) -> None:
    """Revokes the token's family; does nothing for an unknown token."""
    await _end(session, RefreshToken.token_hash == _hash(token))


async def end_all(session: WriteSession, account_id: UUID) -> None:
    """Revokes every family of an account."""
    await _end(session, RefreshToken.account_id == account_id)


async def sweep(session: WriteSession) -> int:
    """Deletes a batch of tokens whose families have expired, revoked or not; returns how many."""
    return await delete_batch(session, RefreshToken, RefreshToken.family_expires_at < now())


def ended(family_id: UUID | InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Returns a condition that holds for a revoked family."""
    relative = aliased(RefreshToken)
    return exists().where(relative.family_id == family_id, relative.revoked_at.is_not(None))


async def _end(session: WriteSession, *which: ColumnElement[bool]) -> UUID | None:
    statement = (
        update(RefreshToken)
        .where(*which, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(RefreshToken.account_id)
    )
    return (await session.execute(statement)).scalars().first()


async def _add(
    session: WriteSession, account_id: UUID, family_id: UUID, family_expires_at: datetime, lifetimes: Lifetimes
) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    statement = insert(RefreshToken).values(
        account_id=account_id,
        family_id=family_id,
        token_hash=_hash(token),
        expires_at=min(now() + timedelta(seconds=lifetimes.token), family_expires_at),
        family_expires_at=family_expires_at,
    )
    await session.execute(statement)
    return token


def _hash(token: str) -> str:
    # A plain hash is enough: 256 random bits can't be guessed, however fast the hash is.
    return hashlib.sha256(token.encode()).hexdigest()
