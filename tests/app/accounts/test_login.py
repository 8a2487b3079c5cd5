"""Logging in: tokens for valid credentials, and answers that do not reveal which accounts exist."""

import time

import httpx2
import pytest
from sqlalchemy import text

from app.infra.database import open_database
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

URL = "/api/v1/auth/token"
PASSWORD = "correct horse battery"
IDS = {"request_id", "trace_id"}


def _without_ids(answer: httpx2.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name not in IDS}


async def test_a_token_authorises_requests(api: Api) -> None:
    await api.login("ada")
    answer = await api.client.post(URL, data={"username": "ADA", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 900
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await api.client.get("/api/v1/orders", headers=bearer)).status_code == 200


@pytest.mark.usefixtures("real_hashing")
async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer_at_the_same_cost(api: Api) -> None:
    await api.login("ada")
    bodies, costs = [], []
    for name in ("ada", "nobody"):
        spent = []
        for _ in range(5):
            before = time.process_time()  # CPU time of all threads: hashing has its own
            answer = await api.client.post(URL, data={"username": name, "password": "wrong horse"})
            spent.append(time.process_time() - before)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        bodies.append(_without_ids(answer))
        costs.append(min(spent))
    assert bodies[0] == bodies[1]
    assert 1 / 3 < costs[0] / costs[1] < 3


@pytest.mark.usefixtures("real_hashing")
async def test_a_password_is_stored_as_argon2id_with_owasps_parameters(api: Api, settings: Settings) -> None:
    await api.login("ada")
    async with open_database(settings) as database, database.read() as session:
        kept = (await session.execute(text("SELECT password_hash FROM accounts WHERE username = 'ada'"))).scalar_one()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_an_inactive_account_gets_the_answer_of_a_wrong_password(api: Api, settings: Settings) -> None:
    await api.login("ada")
    form = {"username": "ada", "password": PASSWORD}
    wrong = await api.client.post(URL, data=form | {"password": "wrong horse"})
    async with open_database(settings) as database, database.write() as session:
        await session.execute(text("UPDATE accounts SET is_active = false"))
    inactive = await api.client.post(URL, data=form)
    assert inactive.status_code == 401
    assert _without_ids(inactive) == _without_ids(wrong)


async def test_a_name_that_no_database_can_store_is_an_unknown_name(api: Api) -> None:
    answer = await api.client.post(URL, data={"username": "a\x00da", "password": PASSWORD})
    assert answer.status_code in (401, 422)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_form_with_an_unsupported_character_set_is_refused(api: Api) -> None:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n' for name in ("username", "password")
    ]
    for charset in ("unicode_escape", "punycode", "undefined", "utf-7", "no-such"):
        answer = await api.client.post(
            URL,
            content="".join([*parts, "--b--\r\n"]).encode(),
            headers={"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"},
        )
        assert 400 <= answer.status_code < 500, charset
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_incomplete_form_is_refused(api: Api) -> None:
    forms: list[dict[str, str]] = [{}, {"username": "ada"}, {"password": PASSWORD}, {"grant_type": "refresh_token"}]
    for form in forms:
        answer = await api.client.post(URL, data=form)
        assert answer.status_code == 422
        assert answer.json()["code"] == "validation_failed"
        assert PASSWORD not in answer.text
