"""Tokens of accounts that no longer exist, as after a restored backup: the caller gets 401 and nothing changes."""

from uuid import uuid4

import pytest

from app.accounts.access_tokens import Identity
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def test_the_token_of_a_missing_account_is_refused(api: Api) -> None:
    client = await api.login()
    item = {"name": "Sextant", "price": "249.00", "currency": "EUR", "stock": 3}
    at = (await client.post("/api/v1/items", json=item)).headers["Location"]
    tokens = api.binnacle.app.state.services.tokens
    client.headers["Authorization"] = f"Bearer {tokens.issue(Identity(uuid4(), 'user'))}"

    order = {"lines": [{"item_id": at.rsplit("/", 1)[1], "quantity": 1}]}
    for refused in (await client.post("/api/v1/items", json=item), await client.post("/api/v1/orders", json=order)):
        assert refused.status_code == 401
        assert refused.json()["detail"] == "The account of this token does not exist any more."
    assert (await client.get(at)).json()["stock"] == 3
