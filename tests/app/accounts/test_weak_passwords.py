"""Common passwords are refused when a password is set, and never at login."""

import pytest
from sqlalchemy import update

from app.accounts.models import Account
from app.accounts.passwords import Passwords
from app.accounts.weak_passwords import WORST, refuse_own, refuse_weak
from app.infra.database import open_database
from app.settings import Settings
from tests.app.accounts.logged_in import PASSWORD, log_in, new_account
from tests.app.conftest import Api

WEAK = [
    "password", "PASSWORD", "Password1!", "P@ssw0rd", "pa$$word99", "passwordpassword", "12345678", "87654321",
    "1234567890", "qwertyuiop", "qwerty123", "qwertzuiop", "1q2w3e4r", "1qaz2wsx", "abcd1234", "asdfghjkl", "aaaaaaaa",
    "abababab", "abcabcabc", "letmein2024", "Summer2026!", "iloveyou", "trustno1", "!@#$%^&*", "        ",
]  # fmt: skip
STRONG = [
    "correct horse", PASSWORD, "wrong horse battery", "Tr0ub4dor&3", "g7#kd0-2Zp", "password manager of mine",
    "sunshine on my shoulders",
    "\u00fc\u00f6\u00e4\u00df\u00e9\u00e8\u00ea\u00eb", "dragon4829104756!!",
]  # fmt: skip
ME = "/api/v1/users/me"


@pytest.mark.parametrize("password", WEAK)
def test_a_common_password_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="guessed first"):
        refuse_weak(password)


@pytest.mark.parametrize("password", STRONG)
def test_an_uncommon_password_is_accepted(password: str) -> None:
    refuse_weak(password)
    refuse_own(password, "ada", "ada@example.com")


@pytest.mark.parametrize(
    "password",
    ["adalovelace", "AdaLovelace1", "ada@example.com", "ada@example.com!", "binnacle1"],
)
def test_a_password_that_is_only_the_account_name_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="8 characters beside"):
        refuse_own(password, "adalovelace", "ada@example.com")


def test_a_short_name_inside_a_long_password_is_accepted() -> None:
    refuse_own("a goose from canada", "ada", "a@example.com")


def test_the_list_is_small_and_normalised() -> None:
    assert 200 < len(WORST) < 500
    assert all(word == word.casefold() for word in WORST)


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_password_change_is_checked_and_a_login_is_not(api: Api, settings: Settings) -> None:
    user = await new_account(api, settings, "adalovelace")
    for weak, code in (("iloveyou1", "validation_failed"), ("AdaLovelace1", "weak_password")):
        change = {"current_password": PASSWORD, "password": weak, "password_confirm": weak}
        refused = await api.client.post(f"{ME}/password", json=change, headers=user.bearer)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert weak not in refused.text
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(Account).values(password_hash=await Passwords().hash("password")))
    assert (await log_in(api, "adalovelace", "password")).status_code == 200
