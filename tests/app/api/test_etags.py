"""Preconditions as proxies and clients send them: weak tags, several header lines, lists with empty elements."""

import httpx2
import pytest

from tests.app.catalog.offers import SEXTANT, URL, offer
from tests.app.conftest import Api

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]


def lines(name: str, *values: str) -> list[tuple[str, str]]:
    return [(name, value) for value in values]


async def _patch(client: httpx2.AsyncClient, at: str, *if_match: str) -> int:
    return (await client.patch(at, json={"stock": 5}, headers=lines("If-Match", *if_match))).status_code


async def test_a_tag_weakened_by_a_proxy_still_matches_its_version(api: Api) -> None:
    client = await api.login()
    at = (await offer(client)).headers["Location"]
    for number in (1, 2, 3):
        assert await _patch(client, at, f'W/"{number}"') == 200
    assert await _patch(client, at, 'W/"3"') == 412, "a lost update is refused as before"
    assert (await client.put(at, json=SEXTANT, headers={"If-Match": 'W/"4"'})).status_code == 200
    assert (await client.delete(at, headers={"If-Match": 'W/"5"'})).status_code == 204


async def test_several_if_match_lines_are_one_list(api: Api) -> None:
    client = await api.login()
    at = (await offer(client)).headers["Location"]
    assert await _patch(client, at, '"7"', 'W/"8", "1"') == 200
    assert await _patch(client, at, '"2"', '"7"') == 200
    assert await _patch(client, at, '"2"', '"7"') == 412
    assert await _patch(client, at, '"7", ,"3",') == 200
    assert await _patch(client, at, '"4"', "*") == 200, "what is no tag beside tags counts for nothing"
    assert await _patch(client, at, '"4"', "*") == 412
    assert await _patch(client, at, "*") == 200


async def test_several_if_none_match_lines_are_one_list(api: Api) -> None:
    client = await api.login()
    item = await offer(client)
    for at, tag in ((item.headers["Location"], '"1"'), (f"/api/v2/items/{item.json()['id']}", '"1-v2"')):
        for held in ((tag, '"7"'), ('"7"', tag), ('"7"', f'"8", W/{tag}'), ("*",)):
            answer = await client.get(at, headers=lines("If-None-Match", *held))
            assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, tag, b"")
        for held in (('"7"', '"8"'), ("",), ("nonsense", '"7"')):
            assert (await client.get(at, headers=lines("If-None-Match", *held))).status_code == 200
    assert (await client.get(URL, headers={"If-None-Match": "*"})).status_code == 200, "a list has no tag"
