"""The three accounts of a shop on one's own machine: made once, shown until changed, kept to oneself."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.infra.database import schema
from app.seeding.accounts import FILE, introduce
from app.settings import Settings, read
from tests.app.accounts.people import log_in
from tests.app.conftest import Api
from tests.support.processes import Processes

pytestmark = pytest.mark.anyio


def _introduce(settings: Settings) -> dict[str, str]:
    with ThreadPoolExecutor(1) as thread:  # it runs an event loop of its own
        return dict(thread.submit(introduce, settings).result(timeout=60))


async def test_each_role_has_an_account_whose_password_stays_and_is_shown_until_it_is_changed(
    api: Api, settings: Settings
) -> None:
    passwords = _introduce(settings)
    assert _introduce(settings) == passwords
    assert set(passwords) == {"user", "moderator", "admin"}
    assert len(set(passwords.values())) == 3
    assert stat.S_IMODE((settings.state_dir / FILE).stat().st_mode) == 0o600
    for role, password in passwords.items():
        tokens = (await log_in(api, role, password)).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await api.client.get("/api/v1/users/me", headers=bearer)).json()["role"] == role

    new = "another horse battery"
    change = {"current_password": passwords["admin"], "password": new, "password_confirm": new}
    (await api.client.post("/api/v1/users/me/password", json=change, headers=bearer)).raise_for_status()

    assert set(_introduce(settings)) == {"user", "moderator"}
    assert (await log_in(api, "admin", new)).status_code == 200


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_password_that_never_was_one_is_not_shown(settings: Settings) -> None:
    _introduce(settings)
    (settings.state_dir / FILE).unlink()
    assert _introduce(settings) == {}


def test_a_demo_on_a_cluster_gets_no_such_accounts(stores: dict[str, str], processes: Processes) -> None:
    for number, environment in enumerate(({"ENVIRONMENT": "demo"}, {"ENVIRONMENT": "local"})):
        seeding = processes.start("seed", **stores, **environment)
        assert seeding.wait() == 0
        assert "0 items added" in seeding.log.read_text()
        assert "passwords" not in seeding.log.read_text(), number


def test_seeding_an_embedded_shop_tells_where_the_passwords_are(processes: Processes) -> None:
    schema.migrate(read(state_dir=processes.state_dir, _env_file=None))
    seeding = processes.start("seed")
    assert seeding.wait() == 0
    assert f"{FILE}" in seeding.log.read_text()
