"""Registration: accepted input, refused input, and what the answer discloses."""

import json

import pytest

from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

URL = "/api/v1/auth/register"
ACCOUNT = {
    "username": "Ada",
    "email": "Ada@example.com",
    "password": "correct horse battery",
    "password_confirm": "correct horse battery",
}
VIEW = {"id", "username", "display_name", "email", "role", "is_active", "created_at"}
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


async def test_a_new_account_is_returned_without_its_password(api: Api) -> None:
    answer = await api.client.post(URL, json=ACCOUNT)
    assert answer.status_code == 201
    assert answer.json().keys() == VIEW
    assert answer.json()["username"] == "Ada"
    assert answer.json()["role"] == "user"
    assert ACCOUNT["password"] not in answer.text


async def test_a_name_or_an_address_is_unique_in_any_case_and_the_refusal_does_not_say_which(api: Api) -> None:
    await api.client.post(URL, json=ACCOUNT)
    same_name = await api.client.post(URL, json=ACCOUNT | {"username": "aDA", "email": "other@example.com"})
    same_address = await api.client.post(URL, json=ACCOUNT | {"username": "grace", "email": "aDA@EXAMPLE.com"})
    for answer in (same_name, same_address):
        assert answer.status_code == 409
        assert answer.json()["code"] == "account_taken"
    assert same_name.json()["detail"] == same_address.json()["detail"]


async def test_an_address_that_case_folding_lengthens_fits_its_column(api: Api) -> None:
    for number, letter in enumerate(
        "\u0149\u0390"
    ):  # the first folds to two characters, the second is one that is composed
        address = letter * 64 + f"@{'a' * 60}.{'a' * 60}.org"
        answer = await api.client.post(URL, json=ACCOUNT | {"username": f"ada{number}", "email": address})
        assert answer.status_code == 201
        again = await api.client.post(URL, json=ACCOUNT | {"username": f"eve{number}", "email": address})
        assert again.status_code == 409


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"password": "seven77", "password_confirm": "seven77"}, "body.password"),
    ({"password": "x" * 129, "password_confirm": "x" * 129}, "body.password"),
    ({"password": "\ud800" * 8, "password_confirm": "\ud800" * 8}, "body.password"),
    ({"password": "Password1!", "password_confirm": "Password1!"}, "body.password"),
    ({"password": "Ada@example.com1", "password_confirm": "Ada@example.com1"}, "body.password"),
    ({"password_confirm": "correct horse batterY"}, "body"),
    ({"username": "ab"}, "body.username"),
    ({"username": "-ada"}, "body.username"),
    ({"username": "ada lovelace"}, "body.username"),
    ({"username": "\u0430da"}, "body.username"),
    ({"username": "ada\n"}, "body.username"),
    ({"username": "admin"}, "body.username"),
    ({"username": "Moderator"}, "body.username"),
    ({"username": "Admin_"}, "body.username"),
    ({"username": "b1nnacle.support"}, "body.username"),
    ({"display_name": ""}, "body.display_name"),
    ({"display_name": "  "}, "body.display_name"),
    ({"display_name": "x" * 65}, "body.display_name"),
    ({"display_name": "Ada\nL."}, "body.display_name"),
    ({"display_name": "\u202eada"}, "body.display_name"),
    ({"display_name": "A\u200bda"}, "body.display_name"),
    ({"display_name": "Binnacle Support"}, "body.display_name"),
    ({"display_name": "\u0410da"}, "body.display_name"),
    ({"age": 15}, "body.age"),
    ({"age": 151}, "body.age"),
    ({"age": "16"}, "body.age"),
    ({"age": True}, "body.age"),
    ({"email": "ada"}, "body.email"),
    ({"email": "ada@localhost"}, "body.email"),
    ({"role": "admin"}, "body"),
    ({"is_active": True}, "body"),
]


@on_sqlite
async def test_a_refusal_names_the_field_and_never_the_password(api: Api) -> None:
    for change, field in REFUSED:
        account = ACCOUNT | change
        answer = await api.client.post(URL, content=json.dumps(account), headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, change
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        for password in (account["password"], account["password_confirm"]):
            assert str(password) not in answer.text


async def test_a_display_name_is_stored_and_an_age_is_not(api: Api) -> None:
    profile = {"display_name": " Ada, Countess of Lovelace ", "age": 16}
    answer = await api.client.post(URL, json=ACCOUNT | profile)
    assert answer.status_code == 201
    assert answer.json()["display_name"] == "Ada, Countess of Lovelace"
    assert "age" not in answer.json()


@on_sqlite
async def test_the_shortest_and_the_longest_password_are_accepted_untruncated(api: Api) -> None:
    for length in (8, 128):
        name, password = f"ada{length}", "".join(chr(0xFC + number) for number in range(length))
        account = {"username": name, "email": f"{name}@example.com", "password": password}
        assert (await api.client.post(URL, json=account | {"password_confirm": password})).status_code == 201
        for typed, status in ((password[:-1], 401), (password, 200)):
            answer = await api.client.post("/api/v1/auth/token", data={"username": name, "password": typed})
            assert answer.status_code == status
