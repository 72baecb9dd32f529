from __future__ import annotations

import pytest

from airflow_provider_lark.core.chunks import split_by_text


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([1, 1, 1, 1], [[1, 1, 1], [1]], id="at most three items"),
        pytest.param([5, 5, 1], [[5, 5], [1]], id="at most ten characters"),
        pytest.param([3, 11, 3], [[3], [11], [3]], id="one that is longer stands alone"),
        pytest.param([11], [[11]], id="one alone"),
        pytest.param([9, 0, 0], [[9, 0, 0]], id="nothing costs nothing"),
    ],
)
def test_split_by_text_keeps_order_and_both_limits(lengths, parts):
    items = [{"text": "x" * length, "number": 10**9, "none": None} for length in lengths]
    found = list(split_by_text(items, lambda item: item.values(), size=3, characters=10))
    assert [[len(item["text"]) for item in part] for part in found] == parts
