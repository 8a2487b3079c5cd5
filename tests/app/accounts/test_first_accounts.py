"""Initial accounts of a local installation: created once, passwords shown until changed, in a private file."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.infra.database import schema
from app.seeding.accounts import FILE, introduce
from app.settings import Settings, read
from tests.app.accounts.logged_in import log_in
from tests.app.conftest import Api
from tests.support.processes import Processes

pytestmark = pytest.mark.anyio


def _shown_passwords(settings: Settings) -> dict[str, str]:
    with ThreadPoolExecutor(1) as thread:  # it runs its own event loop
        return dict(thread.submit(introduce, settings).result(timeout=60))


async def test_each_role_has_an_account_whose_password_is_kept_and_shown_until_it_is_changed(
    api: Api, settings: Settings
) -> None:
    passwords = _shown_passwords(settings)
    assert _shown_passwords(settings) == passwords
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

    assert set(_shown_passwords(settings)) == {"user", "moderator"}
    assert (await log_in(api, "admin", new)).status_code == 200


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_invalid_stored_password_is_not_shown(settings: Settings) -> None:
    _shown_passwords(settings)
    (settings.state_dir / FILE).unlink()
    assert _shown_passwords(settings) == {}


def test_a_distributed_installation_has_no_initial_accounts(stores: dict[str, str], processes: Processes) -> None:
    for number, environment in enumerate(({"ENVIRONMENT": "demo"}, {"ENVIRONMENT": "local"})):
        seeding = processes.start("seed", **stores, **environment)
        assert seeding.wait() == 0
        assert "0 items added" in seeding.log.read_text()
        assert "passwords" not in seeding.log.read_text(), number


def test_seeding_an_embedded_shop_prints_the_path_of_the_passwords(processes: Processes) -> None:
    schema.migrate(read(state_dir=processes.state_dir, _env_file=None))
    seeding = processes.start("seed")
    assert seeding.wait() == 0
    assert f"{FILE}" in seeding.log.read_text()
