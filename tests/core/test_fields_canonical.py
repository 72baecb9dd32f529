"""The canonical form as text: what the ledger keeps and compares."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_lark.core.fields.canonical import dump_values, hash_values, load_values

texts = st.text(st.characters(codec="utf-8"))
canonical = st.one_of(
    st.none(),
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.decimals(allow_nan=False, allow_infinity=False, places=30, min_value=-(10**30), max_value=10**30),
    st.lists(texts).map(tuple),
    st.lists(st.tuples(texts, texts)).map(tuple),
)


@given(st.dictionaries(texts, canonical))
def test_dumped_values_load_equal_to_what_was_written(values):
    assert load_values(dump_values(values)) == values


def test_dump_values_of_equal_values_gives_equal_text():
    one = {"b": Decimal("7E+2"), "a": "海"}
    other = {"a": "海", "b": Decimal(700)}

    assert dump_values(one) == dump_values(other) == '{"a":"海","b":700}'
    assert hash_values(dump_values(one)) == hash_values(dump_values(other))


def test_dump_values_of_long_decimal_keeps_every_digit():
    long = Decimal("12345678901234567890.123456789012345678901")

    assert load_values(dump_values({"price": long})) == {"price": long}


def test_hash_values_of_other_text_differs():
    assert hash_values(dump_values({"a": "1"})) != hash_values(dump_values({"a": Decimal(1)}))
