"""Requests in real databases: kept with their question, due when something is to be done, finished once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.hitl import endings
from airflow_provider_lark.core.hitl.store import RequestStore, purge
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.terms import Choice, Terms
from tests.core.hitl.asking import request
from tests.core.questions.asking import press

RING = Keyring.from_text("A" * 43 + "=")
TERMS = Terms(choices=(Choice("Approve", "Approve"),), relay="Airflow")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_request_is_due_until_its_cards_say_how_it_ended(kind: str, new_database: Callable[[str], Engine]) -> None:
    engine = new_database(kind)
    store, questions = RequestStore(engine, RING, "cli_1"), QuestionStore(engine, RING, "cli_1")
    first, _ = store.ask("k", request(), TERMS, seconds=3600, mark="1", id_="q1")
    second, replaced = store.ask("k", request(subject="Again?"), TERMS, seconds=3600, mark="2", id_="q2")
    assert (first.id, second.id, replaced and replaced.state) == ("q1", "q2", "replaced")
    assert [each.request.subject for each in store.due()] == ["Pay?", "Again?"]
    assert RequestStore(engine, RING, "cli_2").due() == []
    store.end("q1", endings.replaced())
    store.finish("q1")
    (progress,) = store.due()
    seen = store.note_seen(progress, created_at="now", is_awaiting_input=True)
    assert (seen.created_at, seen.awaiting_since_ms is not None) == ("now", True)
    assert store.note_seen(seen, created_at="later", is_awaiting_input=False).created_at == "now"
    store.note_looked("q2", again_in_seconds=3600, attempts=2)
    assert store.due() == []
    questions.note_card("q2", "om_1", "oc_1")
    questions.answer(press(choice="Approve"))
    # what was pressed is not left until the next look's time
    assert [each.attempts for each in store.due()] == [2]
    store.note_passed("q2")
    ended = store.end("q2", endings.delivered("success"))
    assert (ended.state, ended.terms.ending) == ("answered", endings.delivered("success").texts)
    store.finish("q2")
    assert (store.due(), store.live(), purge(engine)) == ([], 0, 0)
    with engine.begin() as conn:
        assert conn.execute(text("SELECT outcome FROM lark_hitl_requests ORDER BY question_id")).scalars().all() == [
            "replaced",
            "delivered",
        ]
    engine.dispose()


def test_request_that_no_key_opens_is_left_to_others(new_database: Callable[[str], Engine]) -> None:
    engine = new_database("sqlite")
    old = RequestStore(engine, Keyring.from_text("B" * 43 + "="), "cli_1")
    old.ask("old", request(subject="Old?"), TERMS, seconds=3600, mark="1", id_="q0")
    store = RequestStore(engine, RING, "cli_1")
    store.ask("k", request(), TERMS, seconds=3600, mark="1", id_="q1")
    assert ([each.request.subject for each in store.due()], store.live(), store.unreadable()) == (["Pay?"], 2, 1)
    engine.dispose()
