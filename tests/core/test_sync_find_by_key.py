"""What an answer's order says of whose record is whose."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.push.find_by_key import in_order_of


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        pytest.param(["a", "b", "c"], [0, 1, 2], id="in order"),
        pytest.param(["c", "a", "b"], [1, 2, 0], id="in another order"),
        pytest.param(["c", None, "b"], [0, 1, 2], id="one is left out"),
        pytest.param([None, None, None], [0, 1, 2], id="all are left out"),
        pytest.param(["b", "b", "c"], [0, 1, 2], id="two alike"),
        pytest.param(["c", "A", "b"], [0, 1, 2], id="one was made another"),
    ],
)
def test_records_stand_in_the_order_of_the_keys_where_the_answer_shows_them(told, wanted):
    keys = [Key("a"), Key("b"), Key("c")]
    assert in_order_of(keys, [None if key is None else Key(key) for key in told], [0, 1, 2]) == wanted
