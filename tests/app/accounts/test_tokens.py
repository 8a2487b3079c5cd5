"""Access tokens: signature, claims and lifetime."""

import base64
import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest

from app.accounts.access_tokens import Identity, Tokens
from app.errors import UnauthenticatedError
from app.infra.signing_key import signing_key
from app.settings import Settings
from tests.app.conftest import Api

LIFETIME = 900
ACCOUNT = {
    "username": "ada",
    "email": "ada@example.com",
    "password": "correct horse battery",
    "password_confirm": "correct horse battery",
}
Forge = Callable[[str, dict[str, Any]], str]


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": "binnacle",
        "aud": "binnacle-api",
        "sub": str(uuid4()),
        "role": "user",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_hex(16),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _signed(key: str, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key, algorithm="HS256")


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(_key: str, claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _with_another_key(_key: str, claims: dict[str, Any]) -> str:
    return _signed(secrets.token_hex(32), claims)


def _with_another_algorithm(key: str, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key, algorithm="HS512")


def _altered(key: str, claims: dict[str, Any]) -> str:
    header, _, signature = _signed(key, claims).split(".")
    return f"{header}.{_part(claims | {'role': 'admin'})}.{signature}"


def _cut(key: str, claims: dict[str, Any]) -> str:
    return _signed(key, claims).rsplit(".", 1)[0]


def test_a_valid_token_identifies_the_caller() -> None:
    tokens = Tokens("k" * 32, LIFETIME)
    identity = Identity(uuid4(), "moderator", 3)
    assert tokens.read(tokens.issue(identity)) == identity
    assert tokens.issue(identity) != tokens.issue(identity)


def test_a_token_of_the_previous_release_has_the_first_account_version() -> None:
    assert Tokens("k" * 32, LIFETIME).read(_signed("k" * 32, _claims())).token_version == 0


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "role"])
def test_a_token_without_a_required_claim_is_refused(claim: str) -> None:
    whole, lacking = _claims(), _claims(**{claim: None})
    tokens = Tokens("k" * 32, LIFETIME)
    tokens.read(_signed("k" * 32, whole))
    with pytest.raises(UnauthenticatedError):
        tokens.read(_signed("k" * 32, lacking))


@pytest.mark.parametrize(
    ("seconds_from_now", "changes"),
    [
        pytest.param({"exp": -60, "iat": -120}, {}, id="expired"),
        pytest.param({"nbf": 3600}, {}, id="not yet"),
        pytest.param({"iat": 3600, "exp": 4000}, {}, id="issued tomorrow"),
        pytest.param({"exp": LIFETIME + 60}, {}, id="a minute too long"),
        pytest.param({"exp": 10**9}, {}, id="for ever"),
        pytest.param({}, {"exp": "9999999999"}, id="text for exp"),
        pytest.param({}, {"exp": "tomorrow"}, id="words for exp"),
        pytest.param({}, {"iat": "now"}, id="words for iat"),
        pytest.param({}, {"aud": "another-api"}, id="another audience"),
        pytest.param({}, {"aud": ["another-api"]}, id="other audiences"),
        pytest.param({}, {"iss": "somebody"}, id="another issuer"),
        pytest.param({}, {"sub": "ada"}, id="no account id"),
        pytest.param({}, {"sub": 1}, id="number for sub"),
        pytest.param({}, {"ver": "first"}, id="words for ver"),
    ],
)
def test_a_token_with_invalid_claims_is_refused(seconds_from_now: dict[str, int], changes: dict[str, Any]) -> None:
    moments = {name: int(time.time()) + seconds for name, seconds in seconds_from_now.items()}
    with pytest.raises(UnauthenticatedError):
        Tokens("k" * 32, LIFETIME).read(_signed("k" * 32, _claims(**moments, **changes)))


@pytest.mark.parametrize("forge", [_unsigned, _with_another_key, _with_another_algorithm, _altered, _cut])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forged_token_is_refused(forge: Forge) -> None:
    with pytest.raises(UnauthenticatedError):
        Tokens("k" * 64, LIFETIME).read(forge("k" * 64, _claims()))


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_the_api_accepts_a_valid_token_and_answers_every_other_with_the_same_problem(
    api: Api, settings: Settings
) -> None:
    key = signing_key(settings)
    own = {"sub": (await api.client.post("/api/v1/auth/register", json=ACCOUNT)).json()["id"]}

    async def request(header: bytes) -> Any:
        return await api.client.get("/api/v1/orders", headers={b"Authorization": header})

    assert (await request(b"Bearer " + _signed(key, _claims(**own)).encode())).status_code == 200
    bad = [forge(key, _claims(**own)).encode() for forge in (_unsigned, _with_another_key, _altered, _cut)]
    expired = _signed(key, _claims(**own, exp=int(time.time()) - 60)).encode()
    for header in [b"Bearer " + token for token in (*bad, expired, b"x", b"a.b.c", b"\xff\xfe", b"..", b"")] + [
        b"Basic YWRhOnNlY3JldA==",
        b"Bearer",
        b"",
    ]:
        answer = await request(header)
        assert answer.status_code == 401, header
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthenticated"
