"""Which characters a column's character set has."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.fields.charsets import holds_all_of


@pytest.mark.parametrize(
    ("charset", "held", "missing"),
    [
        pytest.param("utf8mb3", "表情\uffff", "😁", id="utf8mb3"),
        pytest.param("utf8", "é", "𠮷", id="utf8"),
        pytest.param("ucs2", "好", "😁", id="ucs2"),
        # MySQL's latin1 is Windows-1252, and fills its five holes
        pytest.param("latin1", "é€ž\x81\x9d", "ā", id="latin1"),
        pytest.param("ascii", "~\x7f", "é", id="ascii"),
        pytest.param("LATIN1", "é\x81", "€", id="LATIN1"),
        pytest.param("WIN1252", "é€", "\x81", id="WIN1252"),
    ],
)
def test_charset_holds_what_it_has_and_nothing_else(charset, held, missing):
    holds = holds_all_of(charset)
    assert holds is not None
    assert [holds(""), holds(held), holds(missing), holds(f"a{held}{missing}")] == [True, True, False, False]


@pytest.mark.parametrize("charset", ["", "utf8mb4", "gbk", "UTF8", "EUC_JP"])
def test_charset_of_all_characters_or_unknown_is_left_to_the_database(charset):
    assert holds_all_of(charset) is None
