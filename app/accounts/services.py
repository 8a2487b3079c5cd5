"""The services of accounts, wired to each other."""

from collections.abc import Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from app.accounts.access_tokens import Tokens
from app.accounts.administration import Administration, Forgetting
from app.accounts.authentication import Accounts
from app.accounts.login_limits import LoginLimits
from app.accounts.passwords import Passwords
from app.accounts.profiles import Profiles
from app.accounts.refresh_tokens import Lifetimes
from app.accounts.registration_limits import RegistrationLimits
from app.accounts.revocation import Access
from app.infra.database import Database
from app.infra.event_bus import Events
from app.infra.rate_limit.limits import Limits
from app.infra.signing_key import signing_key
from app.settings import Settings
from app.telemetry.metrics import AccountMetrics


class AccountServices(NamedTuple):
    """Account services of the API, put together."""

    access: Access
    accounts: Accounts
    administration: Administration
    profiles: Profiles
    tokens: Tokens


def account_services(
    settings: Settings,
    database: Database,
    events: Events,
    limits: Limits,
    registry: CollectorRegistry,
    also_forget: Sequence[Forgetting],
) -> AccountServices:
    """Makes the services of one process, which share its slots for hashing and its limits.

    `also_forget` takes a person out of what other domains keep.
    """
    metrics = limits.counters.metrics
    login_limits, registrations = LoginLimits(limits, settings, metrics), RegistrationLimits(limits, settings, metrics)
    passwords = Passwords(wait_seconds=settings.password_wait_seconds, metrics=metrics)
    tokens, access = Tokens(signing_key(settings), settings.access_token_seconds), Access(database)
    administration = Administration(database, access, also_forget)
    accounts = Accounts(
        database,
        events,
        passwords,
        tokens,
        Lifetimes(settings.refresh_token_seconds, settings.login_seconds),
        limits=login_limits,
        registrations=registrations,
        metrics=AccountMetrics(registry),
    )
    profiles = Profiles(
        database,
        passwords,
        access,
        limits=login_limits,
        registrations=registrations,
        anonymise=administration.anonymise,
    )
    return AccountServices(access, accounts, administration, profiles, tokens)
