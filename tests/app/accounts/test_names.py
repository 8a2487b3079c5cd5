"""Names that could pass for the service's own are reserved, however they are spelled."""

import pytest

from app.accounts.names import free, official, personal
from app.settings import Settings
from tests.app.accounts.logged_in import new_account
from tests.app.conftest import Api

RESERVED = [
    "admin", "Admin_", "ADMIN", "a.d-m_i.n", "adm1n", "4dmin", "admin1", "admin-2024", "shop-admin", "Administrator",
    "root", "r00t", "support", "supp0rt", "support_team", "SupportTeam", "customer-support", "the.support.team",
    "staff7", "moderator", "m0derat0r", "binnacle",
    "B1nnacle", "binnacle-support", "mybinnacleshop", "help.desk", "security",
]  # fmt: skip
LOOKALIKES = [
    "Binnacle Support", "Binnacle", "\u0430dmin", "Adm\u0456n", "\uff21\uff24\uff2d\uff29\uff2e", "\u00c1dm\u00efn",
    "\U0001d400\U0001d41d\U0001d426\U0001d422\U0001d427", "Admin\ufe0f", "Admin!", "[admin]", "Supp\u03bfrt",
    "Ada (Admin)", "Customer Support", "The  Security  Team", "M\u043ed\u0435r\u0430t\u043er",
]  # fmt: skip
COMMON_NAMES = [
    "ada", "Ada L.", "Ada, Countess of Lovelace", "Joe Root", "Sam Staff Sgt", "Admiral Hopper", "security guard",
    "user1", "rooted", "modern", "Helpful Helen", "\u0410\u0434\u0430", "\u0391\u03b4\u03b1", "\u963f\u8fbe",
    "O\u2019Neil", "\u0410\u0434\u0430 Lovelace",
]  # fmt: skip


@pytest.mark.parametrize("name", [*RESERVED, *LOOKALIKES], ids=ascii)
def test_a_name_that_impersonates_the_service_is_refused(name: str) -> None:
    assert official(name)
    for check in (free, personal):
        with pytest.raises(ValueError, match=r"choose another|alphabets"):
            check(name)


@pytest.mark.parametrize("name", COMMON_NAMES, ids=ascii)
def test_common_names_are_accepted(name: str) -> None:
    assert personal(name) == name


@pytest.mark.parametrize("name", ["null", "user", "Users_", "api", "deleted"])
def test_reserved_words_are_refused_as_usernames_and_allowed_as_display_names(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        free(name)
    assert personal(name) == name


@pytest.mark.parametrize("name", ["user-5", "user_1", "users.2026", "info-desk", "null0"])
def test_a_username_that_only_begins_with_a_reserved_word_is_accepted(name: str) -> None:
    assert free(name) == name


@pytest.mark.parametrize("name", ["\u0410da", "\u0391da", "p\u0430ypal"], ids=ascii)
def test_a_word_of_two_alphabets_is_refused_as_a_display_name(name: str) -> None:
    with pytest.raises(ValueError, match="alphabets"):
        personal(name)


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_profile_change_follows_the_same_rule(api: Api, settings: Settings) -> None:
    user = await new_account(api, settings, "ada")
    for name, status in (("Binnacle Support", 422), ("A\u200bda", 422), ("Ada\u202eL", 422), ("Ada\u0301", 200)):
        answer = await api.client.patch("/api/v1/users/me", json={"display_name": name}, headers=user.bearer)
        assert answer.status_code == status, ascii(name)
    assert answer.json()["display_name"] == "Ad\u00e1"
