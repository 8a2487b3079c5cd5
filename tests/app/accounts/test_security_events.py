"""Security events in the log: reused refresh tokens, changed rights and passwords, anonymised accounts."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.accounts.access_tokens import Tokens
from app.accounts.revocation import Access
from app.errors import UnauthenticatedError
from app.infra.database import open_database
from app.infra.signing_key import signing_key
from app.settings import Settings
from tests.app.accounts.logged_in import PASSWORD, log_in, new_account, refresh
from tests.app.conftest import Api
from tests.support.recorded_telemetry import Logs, recorded_logs

pytestmark = pytest.mark.anyio
ME = "/api/v1/users/me"
PROMISED_SECONDS = 5.0


@pytest.fixture
def recorded() -> Iterator[Logs]:
    with recorded_logs() as lines:
        yield lines


def _event(recorded: Logs, name: str) -> dict[str, Any]:
    [line] = recorded.lines(name)
    return line


async def test_reuse_of_a_refresh_token_is_logged_once(api: Api, settings: Settings, recorded: Logs) -> None:
    user = await new_account(api, settings, "ada")
    assert (await refresh(api, user)).status_code == 200
    assert [(await refresh(api, user)).status_code for _ in range(3)] == [401] * 3
    line = _event(recorded, "refresh_token_reused")
    assert (line["level"], line["account_id"]) == ("warning", user.id)
    assert user.refresh_token not in str(line)


async def test_a_token_that_was_never_issued_is_not_reuse(api: Api, recorded: Logs) -> None:
    answer = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": "x" * 43})
    assert answer.status_code == 401
    assert recorded.lines("refresh_token_reused") == []


async def test_a_password_change_is_logged_without_the_passwords(api: Api, settings: Settings, recorded: Logs) -> None:
    user = await new_account(api, settings, "ada")
    change = {"current_password": PASSWORD, "password": "another long one", "password_confirm": "another long one"}
    (await api.client.post(f"{ME}/password", json=change, headers=user.bearer)).raise_for_status()
    line = _event(recorded, "password_changed")
    assert (line["account_id"], line["user_id"]) == (user.id, user.id)
    assert PASSWORD not in str(line)
    assert change["password"] not in str(line)


async def test_a_role_change_is_logged_with_the_administrator(api: Api, settings: Settings, recorded: Logs) -> None:
    admin, user = await new_account(api, settings, "grace", "admin"), await new_account(api, settings, "ada")
    rights = {"role": "moderator", "is_active": True}
    (await api.client.put(f"/api/v1/users/{user.id}", json=rights, headers=admin.bearer)).raise_for_status()
    line = _event(recorded, "account_rights_changed")
    assert (line["account_id"], line["user_id"]) == (user.id, admin.id)
    assert (line["role"], line["is_active"]) == ("moderator", True)


async def test_an_anonymised_account_is_logged(api: Api, settings: Settings, recorded: Logs) -> None:
    user = await new_account(api, settings, "ada")
    confirmation = {"current_password": PASSWORD}
    (await api.client.post(f"{ME}/delete", json=confirmation, headers=user.bearer)).raise_for_status()
    assert _event(recorded, "account_anonymised")["account_id"] == user.id


@pytest.mark.parametrize("ending", ["logout", "reuse"])
async def test_access_ends_within_seconds_of_its_session_and_other_sessions_go_on(
    api: Api, settings: Settings, ending: str
) -> None:
    user = await new_account(api, settings, "ada")
    elsewhere = (await log_in(api, "ada")).json()["access_token"]
    clock = [100.0]
    tokens = Tokens(signing_key(settings), settings.access_token_seconds)
    here = tokens.read(user.bearer["Authorization"].removeprefix("Bearer "))
    async with open_database(settings) as database:
        access = Access(database, clock=lambda: clock[0])
        await access.check(here)
        if ending == "logout":
            (
                await api.client.post("/api/v1/auth/logout", json={"refresh_token": user.refresh_token})
            ).raise_for_status()
        else:
            for _ in range(2):
                await refresh(api, user)
        clock[0] += PROMISED_SECONDS - 0.001
        with pytest.raises(UnauthenticatedError, match="session"):
            await access.check(here)
        await access.check(tokens.read(elsewhere))


async def test_a_token_of_the_previous_version_without_a_session_is_accepted(api: Api, settings: Settings) -> None:
    user = await new_account(api, settings, "ada")
    tokens = Tokens(signing_key(settings), settings.access_token_seconds)
    identity = tokens.read(user.bearer["Authorization"].removeprefix("Bearer "))
    older = tokens.issue(type(identity)(identity.account_id, identity.role, identity.token_version))
    assert (await api.client.get(ME, headers={"Authorization": f"Bearer {older}"})).status_code == 200
