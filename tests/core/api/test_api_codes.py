"""The tables of codes: whole, in words, and one meaning a code."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.api.codes import explain, known_codes
from airflow_provider_lark.core.api.codes.schema import SCHEMA_MEANINGS
from airflow_provider_lark.core.api.codes.services import SERVICE_INTERNAL_CODES, SERVICE_MEANINGS
from airflow_provider_lark.core.errors import OutcomeUnknown, RateLimited, RetriableError, ServerBusy
from airflow_provider_lark.emulator.codes import CODES

#: the emulator knows them for scripted faults; the client has no calls that they answer
OF_OTHER_SERVICES = {5000, 1064510, 1064511, 800004006, 800010701, 232001, 232004}


def test_every_code_that_the_emulator_knows_has_a_meaning() -> None:
    unknown = CODES.keys() - known_codes() - OF_OTHER_SERVICES
    # messages: by their HTTP status until the client has more of their calls
    assert {code for code in unknown if not 230000 <= code < 231000 and not 234000 <= code < 235000} == set()


def test_tables_do_not_contradict_each_other() -> None:
    assert not SCHEMA_MEANINGS.keys() & SERVICE_MEANINGS.keys()
    assert not SERVICE_INTERNAL_CODES & (SCHEMA_MEANINGS.keys() | SERVICE_MEANINGS.keys())
    for code, meaning in {**SCHEMA_MEANINGS, **SERVICE_MEANINGS}.items():
        assert explain(code, 200) == explain(code, 500) == meaning


def test_only_what_passes_by_itself_is_tried_again() -> None:
    again = {
        code for code in SCHEMA_MEANINGS | SERVICE_MEANINGS if issubclass(explain(code, 400).error, RetriableError)
    }
    assert again == {230020, 230049, 232096, 1061045, 1062012, 1064230, 11232, 11233, 11247, 1000004, 1000005}
    assert explain(230020, 400).error is RateLimited
    assert explain(1061045, 200).error is ServerBusy


@pytest.mark.parametrize("code", sorted(SERVICE_INTERNAL_CODES))
def test_internal_trouble_leaves_a_write_open(code: int) -> None:
    assert issubclass(explain(code, 200).error, OutcomeUnknown)


def test_meanings_say_what_and_what_to_do() -> None:
    for code in known_codes():
        meaning = explain(code, 400)
        assert meaning.what, code
        assert meaning.hint, code
        assert not meaning.hint.endswith("."), code
