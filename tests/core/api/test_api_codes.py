"""The tables of codes: whole, in words, and one meaning a code."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.api.codes import explain, known_codes
from airflow_provider_lark.core.api.codes.cards import KNOWN_SUB_CODES, explain_card, read_path
from airflow_provider_lark.core.api.codes.long_connection import CONNECTION_MEANINGS, ENDPOINT
from airflow_provider_lark.core.api.codes.messages import MESSAGE_MEANINGS
from airflow_provider_lark.core.api.codes.schema import SCHEMA_MEANINGS
from airflow_provider_lark.core.api.codes.services import SERVICE_INTERNAL_CODES, SERVICE_MEANINGS
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    NotAuthorized,
    OutcomeUnknown,
    RateLimited,
    RetriableError,
    ServerBusy,
)
from airflow_provider_lark.emulator.codes.general import CODES

#: the emulator knows them for scripted faults; the client has no calls that they answer
OF_OTHER_SERVICES = {5000, 1064510, 1064511}


def test_every_code_that_the_emulator_knows_has_a_meaning() -> None:
    assert CODES.keys() - known_codes() - CONNECTION_MEANINGS.keys() - OF_OTHER_SERVICES == set()
    # they have this meaning only where a long connection is asked for
    for code, meaning in CONNECTION_MEANINGS.items():
        assert explain(code, 200, endpoint=ENDPOINT) == meaning


def test_tables_do_not_contradict_each_other() -> None:
    assert not SCHEMA_MEANINGS.keys() & SERVICE_MEANINGS.keys()
    assert not MESSAGE_MEANINGS.keys() & (SCHEMA_MEANINGS.keys() | SERVICE_MEANINGS.keys())
    assert not SERVICE_INTERNAL_CODES & (SCHEMA_MEANINGS.keys() | SERVICE_MEANINGS.keys() | MESSAGE_MEANINGS.keys())
    for code, meaning in {**SCHEMA_MEANINGS, **SERVICE_MEANINGS, **MESSAGE_MEANINGS}.items():
        assert explain(code, 200) == explain(code, 500) == meaning


def test_only_what_passes_by_itself_is_tried_again() -> None:
    tables = SCHEMA_MEANINGS | SERVICE_MEANINGS | MESSAGE_MEANINGS
    again = {code for code in tables if issubclass(explain(code, 400).error, RetriableError)}
    of_messages = {230020, 230049, 231015, 232019, 232068, 232096, 234019, 11232, 11233, 11247, 1000004, 1000005}
    assert again == of_messages | {1061045, 1062012, 1064230}
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


@pytest.mark.parametrize(
    ("code", "endpoint", "words"),
    [
        pytest.param(
            230071, "POST /open-apis/im/v1/messages/:message_id/reply", "does not allow replies in threads", id="reply"
        ),
        pytest.param(230071, "PUT /open-apis/im/v1/messages/:message_id", "not sent by the app", id="edit of others"),
        pytest.param(
            230075, "PUT /open-apis/im/v1/messages/:message_id", "can no longer be edited", id="edit too late"
        ),
        pytest.param(230075, "POST /open-apis/im/v1/messages", "secret chats", id="send to a secret chat"),
        pytest.param(230073, "GET /open-apis/im/v1/messages", "the thread is not visible", id="history"),
        pytest.param(10003, "POST /open-apis/message/v4/batch_send/", "a part of the message", id="batch"),
        pytest.param(10003, "POST /open-apis/auth/v3/tenant_access_token/internal", "App ID", id="token"),
    ],
)
def test_code_of_two_meanings_is_told_by_its_endpoint(code: int, endpoint: str, words: str) -> None:
    assert words in explain(code, 400, endpoint=endpoint).what


@pytest.mark.parametrize("code", [230099, 11246])
def test_refused_card_names_the_place_and_the_cause(code: int) -> None:
    text = (
        "Failed to create card content, ext=ErrCode: 200861; ErrPath: ROOT -> body -> elements -> [3](tag: note); "
        "ErrMsg: cards of schema V2 no longer support this capability; ErrorValue: unsupported tag note; "
    )
    meaning = explain(code, 400, text)
    assert meaning.error is BadRequest
    assert "no longer supports (error 200861), at body.elements[3] (note)" in meaning.what
    assert "use buttons directly" in meaning.hint


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("ErrPath: ROOT -> elements -> [2](tag: chart); ErrMsg: x", "elements[2] (chart)", id="json 1.0"),
        pytest.param(
            "ErrPath: ROOT -> body -> elements -> [0](tag: a) -> elements -> [1](tag: b)",
            "body.elements[0].elements[1] (b)",
            id="nested",
        ),
        pytest.param("ErrPath: ROOT -> header; ErrMsg: x", "header", id="no element"),
        pytest.param("ErrPath: ROOT -> 'what somebody wrote'; ErrMsg: x", "", id="a text is not told"),
        pytest.param("ErrMsg: x", "", id="none"),
    ],
)
def test_place_in_a_card_is_read_as_a_path(text: str, place: str) -> None:
    assert read_path(text) == place


def test_causes_of_refused_cards_are_all_explained() -> None:
    documented = {100290, 11310, 200380, 200381, 200621, 200732, 200737, 200550, 200861, 200570, 200914, 200915}
    assert documented | {300220, 300230, 300240} <= KNOWN_SUB_CODES
    for sub_code in KNOWN_SUB_CODES:
        meaning = explain_card(f"ErrCode: {sub_code}; ErrMsg: x")
        assert not issubclass(meaning.error, RetriableError), sub_code
        assert f"error {sub_code}" in meaning.what
        assert meaning.hint, sub_code
    assert explain_card("ErrCode: 999999; ErrMsg: x").error is BadRequest


@pytest.mark.parametrize(("code", "error"), [(230002, AccessDenied), (234002, NotAuthorized), (232019, RateLimited)])
def test_codes_of_messages_are_cut_by_what_to_do_next(code: int, error: type[Exception]) -> None:
    assert explain(code, 400).error is error
