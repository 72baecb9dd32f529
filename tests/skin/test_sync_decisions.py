"""What a sync leaves to people, decided on a card in a chat: from the conflict to the row, over real HTTP."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.operators.sync import BitableFullSyncOperator, BitableIncrementalSyncOperator
from tests.skin.deciding import decisions
from tests.skin.test_operators import context


@pytest.fixture
def shop(open_shop, new_database):
    shop = open_shop(new_database("sqlite"))
    shop.execute("INSERT INTO areas VALUES ('1', 'Ann'), ('2', 'Bob')")
    return shop


@pytest.fixture
def room(shop, tmp_path, monkeypatch):
    with decisions(shop.emulator, tmp_path, monkeypatch) as opened:
        yield opened


def operator(shop, room, kind=BitableIncrementalSyncOperator, **given):
    mapping = {**shop.mapping, "conflict": "manual", "max_delete_rows": 2, "max_delete_ratio": 0}
    asked = {"decision_chat": room.chat_id, "decision_allowed": ["lin@example.com"]}
    return kind(task_id="sync", mapping=mapping, **{**asked, **given})


def sync(shop, room, *args, **given):
    return operator(shop, room, *args, **given).execute(context())


def held(shop, room, **given):
    with pytest.raises(AirflowFailException, match="SafetyStop"):
        sync(shop, room, **given)


def edit(shop, code, name):
    records = shop.emulator.person.records(shop.app_token, shop.table_id)
    (id_,) = [each["record_id"] for each in records if each["fields"]["code"][0]["text"] == code]
    shop.emulator.person.edit_record(shop.app_token, shop.table_id, id_, {"name": name})


def clash(shop, code="1", lark="Anne", sql="Anna"):
    edit(shop, code, lark)
    shop.execute("UPDATE areas SET name = :name WHERE code = :code", code=code, name=sql)


def color(room):
    return json.loads(room.shown())["header"]["template"]


def audit(room):
    return room.execute("SELECT open_id, outcome, reason FROM lark_answers ORDER BY id")


def test_person_decides_a_conflict_in_the_chat_and_the_next_run_carries_it_out(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    assert room.cards() == []  # nothing waits: nobody is told anything
    clash(shop)
    sync(shop, room)
    shown = room.shown()
    assert all(word in shown for word in ("name: Anne", "name: Anna", "采用飞书", "Use Lark", room.people["Lin"]))
    assert color(room) == "orange"
    # a run that finds the same leaves the card alone
    updates = room.emulator.counters().get("PATCH /open-apis/im/v1/messages/:message_id", 0)
    sync(shop, room)
    assert room.emulator.counters().get("PATCH /open-apis/im/v1/messages/:message_id", 0) == updates
    assert room.toast("Wei", "Use Lark") == "You are not among those who may answer: lin@example.com"
    assert room.shown() == shown
    assert room.toast("Lin", "采用飞书") == "Recorded: Use Lark; the next run carries it out"
    assert '"采用飞书"' not in room.shown().replace("**采用飞书**", "")
    assert shop.sql_names()["1"] == "Anna"
    sync(shop, room)
    assert shop.sql_names()["1"] == shop.lark_names()["1"] == "Anne"
    assert (color(room), len(room.cards())) == ("green", 1)
    assert "carried out" in room.shown()
    lin, wei = room.people["Lin"], room.people["Wei"]
    assert audit(room) == [(wei, "refused", "not_allowed"), (lin, "accepted", "accepted")]
    ((key, detail),) = shop.execute("SELECT record_id, detail FROM sync_log WHERE status = 'decided'")
    assert key == "1"
    assert detail.startswith(f"lark wins, as lin@example.com ({lin}) decided")
