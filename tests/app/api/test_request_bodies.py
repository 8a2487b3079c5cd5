"""Request bodies with a content encoding, and those that wait for 100 Continue."""

import gzip
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.processes.api import create_app
from app.settings import read
from tests.app.api.serving import connected, serving
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
REGISTER = "/api/v1/auth/register"
ACCOUNT = {
    "username": "ada",
    "email": "ada@example.com",
    "password": "correct horse battery",
    "password_confirm": "correct horse battery",
}


@on_sqlite
async def test_an_encoded_body_is_refused(api: Api) -> None:
    packed = gzip.compress(json.dumps(ACCOUNT).encode())
    for coding in ("gzip", "GZIP", "br", "identity, gzip", "x-unknown"):
        headers = {"Content-Type": "application/json", "Content-Encoding": coding}
        answer = await api.client.post(REGISTER, content=packed, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Accept-Encoding"] == "identity"
    hidden = [("Content-Encoding", "gzip"), ("Content-Encoding", "identity")]
    assert (await api.client.post(REGISTER, content=packed, headers=hidden)).status_code == 415


@on_sqlite
async def test_identity_encoding_and_an_empty_body_are_accepted(api: Api) -> None:
    plain = {"Content-Encoding": "identity"}
    assert (await api.client.post(REGISTER, json=ACCOUNT, headers=plain)).status_code == 201
    assert (await api.client.get("/api/v1/items", headers={"Content-Encoding": "gzip"})).status_code == 200


@on_sqlite
async def test_the_contract_documents_415_where_there_is_a_body(api: Api) -> None:
    for path, methods in api.binnacle.app.openapi()["paths"].items():
        for method, operation in methods.items():
            assert ("415" in operation["responses"]) == ("requestBody" in operation), f"{method} {path}"


@pytest.fixture
async def port(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[int]:
    """The port of the API behind the server's protocol."""
    state = shutil.copytree(migrated_sqlite, tmp_path / "state")
    async with serving(create_app(read(state_dir=state, _env_file=None))) as number:
        yield number


def _head(*fields: str) -> bytes:
    lines = (f"POST {REGISTER} HTTP/1.1", "Host: shop", "Content-Type: application/json", *fields)
    return "".join(f"{line}\r\n" for line in (*lines, "Expect: 100-continue", "")).encode()


async def test_a_waiting_client_gets_100_continue(port: int) -> None:
    body = json.dumps(ACCOUNT).encode()
    async with connected(port) as connection:
        await connection.send(_head(f"Content-Length: {len(body)}"))
        assert await connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(body)
        assert (await connection.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    ("fields", "status"),
    [(("Content-Length: 1000001",), 413), (("Content-Length: 20", "Content-Encoding: gzip"), 415)],
)
async def test_a_waiting_client_is_refused_before_it_sends_its_body(
    port: int, fields: tuple[str, ...], status: int
) -> None:
    async with connected(port) as connection:
        await connection.send(_head(*fields))
        assert (await connection.until(b"\r\n\r\n")).startswith(f"HTTP/1.1 {status} ".encode())
