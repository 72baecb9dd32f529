"""JSON keeps the digits of its numbers, and numbers of one value are one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_lark.core.fields.exact_json import dump_exact, load_exact


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('{"a": 12345678901234567.89}', '{"a":12345678901234567.89}'),
        ("[0.1, 1.10, 1.0, 1e0, 100e-2, -0.0]", "[0.1,1.1,1,1,1,0]"),
        ("1e16", "10000000000000000"),
        ("98765432109876543210", "98765432109876543210"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ('{"b": 1, "a": [true, null, "x"]}', '{"a":[true,null,"x"],"b":1}'),
        ('"12345678901234567.89"', '"12345678901234567.89"'),
    ],
)
def test_number_keeps_its_digits_and_has_one_text(text, canonical):
    assert dump_exact(load_exact(text)) == canonical
    assert dump_exact(load_exact(canonical)) == canonical


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999", "{", "1" + "0" * 500 + ".5"])
def test_what_no_database_holds_is_refused(text):
    with pytest.raises(ValueError):
        load_exact(text)


def test_text_that_looks_like_a_marked_number_is_not_taken_for_one():
    with pytest.raises(ValueError):
        dump_exact([Decimal("0.1234567890123456789"), "\x000.5"])
