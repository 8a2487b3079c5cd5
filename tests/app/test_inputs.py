"""Request models are validated up to a limit, whatever the input."""

import pytest
from pydantic import ValidationError

from app.accounts.schemas import Registration
from app.orders.schemas import NewOrder
from app.schemas import MAX_UNKNOWN_FIELDS


def test_a_list_is_not_validated_beyond_its_maximum_length() -> None:
    with pytest.raises(ValidationError) as refused:
        NewOrder.model_validate({"lines": [1] * 200_000})
    assert refused.value.error_count() <= 100


@pytest.mark.parametrize("extra", [MAX_UNKNOWN_FIELDS, MAX_UNKNOWN_FIELDS + 1])
def test_an_object_is_validated_up_to_its_limit(extra: int) -> None:
    fields = dict.fromkeys(Registration.model_fields, 0) | {f"more{number}": 0 for number in range(extra)}
    with pytest.raises(ValidationError) as refused:
        Registration.model_validate(fields)
    kinds = {error["type"] for error in refused.value.errors(include_url=False)}
    assert ("extra_forbidden" in kinds) == (extra <= MAX_UNKNOWN_FIELDS)
    assert (kinds == {"too_many_fields"}) == (extra > MAX_UNKNOWN_FIELDS)
