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
from tests.app.accounts.people import PASSWORD, log_in, refresh, someone
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


async def test_the_reuse_of_a_refresh_token_is_logged_once(api: Api, settings: Settings, recorded: Logs) -> None:
    ada = await someone(api, settings, "ada")
    assert (await refresh(api, ada)).status_code == 200
    assert [(await refresh(api, ada)).status_code for _ in range(3)] == [401] * 3
    line = _event(recorded, "refresh_token_reused")
    assert (line["level"], line["account_id"]) == ("warning", ada.id)
    assert ada.refresh_token not in str(line)


async def test_a_token_that_was_never_given_out_is_no_reuse(api: Api, recorded: Logs) -> None:
    answer = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": "x" * 43})
    assert answer.status_code == 401
    assert recorded.lines("refresh_token_reused") == []


async def test_a_change_of_the_password_is_logged_without_either(api: Api, settings: Settings, recorded: Logs) -> None:
    ada = await someone(api, settings, "ada")
    change = {"current_password": PASSWORD, "password": "another long one", "password_confirm": "another long one"}
    (await api.client.post(f"{ME}/password", json=change, headers=ada.bearer)).raise_for_status()
    line = _event(recorded, "password_changed")
    assert (line["account_id"], line["user_id"]) == (ada.id, ada.id)
    assert PASSWORD not in str(line)
    assert change["password"] not in str(line)


async def test_a_change_of_rights_names_the_administrator(api: Api, settings: Settings, recorded: Logs) -> None:
    grace, ada = await someone(api, settings, "grace", "admin"), await someone(api, settings, "ada")
    rights = {"role": "moderator", "is_active": True}
    (await api.client.put(f"/api/v1/users/{ada.id}", json=rights, headers=grace.bearer)).raise_for_status()
    line = _event(recorded, "account_rights_changed")
    assert (line["account_id"], line["user_id"]) == (ada.id, grace.id)
    assert (line["role"], line["is_active"]) == ("moderator", True)


async def test_an_anonymised_account_is_logged(api: Api, settings: Settings, recorded: Logs) -> None:
    ada = await someone(api, settings, "ada")
    confirmation = {"current_password": PASSWORD}
    (await api.client.post(f"{ME}/delete", json=confirmation, headers=ada.bearer)).raise_for_status()
    assert _event(recorded, "account_anonymised")["account_id"] == ada.id


@pytest.mark.parametrize("ending", ["logout", "reuse"])
async def test_access_ends_within_seconds_with_the_session_and_no_other(
    api: Api, settings: Settings, ending: str
) -> None:
    ada = await someone(api, settings, "ada")
    elsewhere = (await log_in(api, "ada")).json()["access_token"]
    clock = [100.0]
    tokens = Tokens(signing_key(settings), settings.access_token_seconds)
    here = tokens.read(ada.bearer["Authorization"].removeprefix("Bearer "))
    async with open_database(settings) as database:
        access = Access(database, clock=lambda: clock[0])
        await access.check(here)
        if ending == "logout":
            (await api.client.post("/api/v1/auth/logout", json={"refresh_token": ada.refresh_token})).raise_for_status()
        else:
            for _ in range(2):
                await refresh(api, ada)
        clock[0] += PROMISED_SECONDS - 0.001
        with pytest.raises(UnauthenticatedError, match="session"):
            await access.check(here)
        await access.check(tokens.read(elsewhere))


async def test_a_token_of_an_older_version_without_a_session_still_counts(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    tokens = Tokens(signing_key(settings), settings.access_token_seconds)
    identity = tokens.read(ada.bearer["Authorization"].removeprefix("Bearer "))
    older = tokens.issue(type(identity)(identity.account_id, identity.role, identity.token_version))
    assert (await api.client.get(ME, headers={"Authorization": f"Bearer {older}"})).status_code == 200
