"""The command that makes the first administrator follows the rules for administrators."""

import asyncio
import json

import pytest

from app.accounts.administration import LastAdminError
from app.accounts.permissions import Role
from app.accounts.profiles import AccountNotFoundError
from app.cli import main
from app.commands.promote import promote
from app.settings import Settings
from tests.app.accounts.logged_in import log_in, new_account, refresh
from tests.app.conftest import Api
from tests.support.processes import Processes

pytestmark = pytest.mark.anyio

USERS = "/api/v1/users"


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings as environment variables of this process."""
    monkeypatch.setenv("STATE_DIR", str(settings.state_dir))
    if settings.database_url is not None:
        monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())


@pytest.mark.usefixtures("environment")
async def test_the_command_makes_the_first_administrator(
    api: Api, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    user = await new_account(api, settings, "Ada")
    code = await asyncio.to_thread(main, ["promote", "ada", "--role", "admin"])
    log, message = capfd.readouterr().out.splitlines()[-2:]
    assert code == 0
    assert "Ada is admin now" in message
    event_line = json.loads(log)
    assert (event_line["event"], event_line["account_id"], event_line["role"]) == (
        "account_rights_changed",
        user.id,
        "admin",
    )

    bearer = {"Authorization": f"Bearer {(await refresh(api, user)).json()['access_token']}"}
    assert (await api.client.get(USERS, headers=bearer)).status_code == 200


async def test_earlier_tokens_end_and_a_repeat_ends_none(api: Api, settings: Settings) -> None:
    await new_account(api, settings, "ada")
    await promote(settings, "ada", Role.ADMIN)
    tokens = (await log_in(api, "ada")).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert "already" in await promote(settings, "ADA", Role.ADMIN)
    assert (await api.client.get(f"{USERS}/me", headers=bearer)).json()["role"] == "admin"

    other = await new_account(api, settings, "grace")
    await promote(settings, "grace", Role.MODERATOR)
    assert (await api.client.get(f"{USERS}/me", headers=other.bearer)).status_code == 401


async def test_the_last_administrator_is_kept(api: Api, settings: Settings) -> None:
    for name in ("ada", "grace"):
        await new_account(api, settings, name, "admin")
    await promote(settings, "ada", Role.USER)
    with pytest.raises(LastAdminError):
        await promote(settings, "grace", Role.USER)


async def test_an_unknown_name_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(AccountNotFoundError, match="no account 'nobody'; register it first"):
        await promote(settings, "nobody", Role.ADMIN)


@pytest.mark.usefixtures("environment")
def test_a_refusal_is_one_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", "nobody", "--role", "admin"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "promote: There is no account 'nobody'; register it first: POST /api/v1/auth/register"
    ]
    with pytest.raises(SystemExit) as refused:
        main(["promote", "nobody", "--role", "king"])
    assert refused.value.code == 2
    message = capsys.readouterr().err
    assert all(role in message for role in Role)


def test_an_unreachable_database_is_one_sentence_after_its_log_event(processes: Processes) -> None:
    gone = {"DATABASE_URL": "postgresql://binnacle@127.0.0.1:9/binnacle", "REDIS_URL": "redis://127.0.0.1:9"}
    asked = processes.start("promote ada --role admin", **gone)
    assert asked.wait() == 1
    event, message = asked.log.read_text().splitlines()
    assert json.loads(event)["event"] == "database_gone"
    assert message == "promote: The database does not answer; try again in a few seconds."
