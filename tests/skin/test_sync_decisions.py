"""What a sync leaves to people, decided on a card in a chat: from the conflict to the row, over real HTTP."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.operators.sync import BitableFullSyncOperator, BitableIncrementalSyncOperator
from tests.clocks import JumpingClock
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


def test_decision_is_taken_back_by_another_and_what_is_decided_then_is_logged_with_both(shop, room, time_flies):
    people = {"decision_allowed": ["lin@example.com", "wei@example.com"]}
    lin, wei = room.people["Lin"], room.people["Wei"]
    sync(shop, room, BitableFullSyncOperator, **people)
    clash(shop)
    sync(shop, room, **people)
    room.press("Lin", "Use Lark")
    assert "areas: decided" in room.shown()
    # a run that Lark fails carries nothing out, and leaves people their choice
    room.emulator.faults.add("/records/batch_get", code=1254290, times=None)
    with pytest.raises(AirflowException, match="ServerBusy"):
        sync(shop, room, **people)
    room.emulator.faults.clear()
    assert room.toast("Wei", "Take back") == "Taken back: the next run leaves it as it is"
    assert f"<at id={lin}></at> · taken back · <at id={wei}></at>" in room.shown()
    assert "areas: please decide" in room.shown()
    assert sync(shop, room, **people)["to_sql"]["updated"] == 0
    assert shop.sql_names()["1"] == "Anna"
    room.press("Wei", "Use database")
    sync(shop, room, **people)
    assert shop.lark_names()["1"] == "Anna"
    ((detail,),) = shop.execute("SELECT detail FROM sync_log WHERE status = 'decided'")
    words = (
        f"sql wins, as wei@example.com ({wei}) decided, after lin@example.com ({lin}): lark, wei@example.com ({wei}): "
    )
    assert detail.startswith(f"{words}take_back (question ")
    assert audit(room) == [
        (lin, "accepted", "accepted"),
        (wei, "accepted", "taken_back"),
        (wei, "accepted", "accepted"),
    ]


def test_decision_that_a_run_carries_out_is_taken_back_no_more(shop, room, monkeypatch):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    sync(shop, room)
    room.press("Lin", "Use database")
    busy, told = room.emulator.faults.add("/records/batch_update", code=1254290, times=1), []

    class Pressing(JumpingClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            if busy.hits and not told:
                # the run waits to write it
                told.append(room.toast("Lin", "Take back"))

    monkeypatch.setattr(CallingHook, "clock", Pressing())
    sync(shop, room)
    assert told == ["A run is carrying this out already"]
    assert (shop.lark_names()["1"], color(room)) == ("Anna", "green")


def test_decision_on_values_that_have_changed_since_is_not_carried_out_but_asked_anew(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    sync(shop, room)
    room.press("Lin", "Use database")
    edit(shop, "1", "Annemarie")
    sync(shop, room)
    assert (shop.lark_names()["1"], shop.sql_names()["1"]) == ("Annemarie", "Anna")
    assert all(word in room.shown() for word in ("name: Annemarie", "it had changed", '"Use database"'))
    assert room.toast("Lin", "Use database").startswith("Recorded")
    sync(shop, room)
    assert shop.lark_names()["1"] == shop.sql_names()["1"] == "Anna"
    # what comes soon goes on in the same message
    clash(shop, "2", "Bobby", "Robert")
    sync(shop, room)
    assert (len(room.cards()), color(room)) == (1, "orange")


@pytest.mark.parametrize(("label", "left"), [("Delete", 1), ("Keep", 5)])
def test_held_deletes_are_released_or_undone_from_the_chat(shop, room, label, left):
    shop.execute("INSERT INTO areas VALUES ('3', 'c'), ('4', 'd'), ('5', 'e')")
    sync(shop, room, BitableFullSyncOperator)
    shop.execute("DELETE FROM areas WHERE code > '1'")
    held(shop, room)
    assert "4 rows deleted in the database; the records are kept in Lark" in room.shown()
    assert len(shop.lark_names()) == 5
    room.press("Lin", label)
    assert sync(shop, room)["held"] == 0
    assert len(shop.lark_names()) == len(shop.sql_names()) == left
    assert color(room) == "green"
    assert len(shop.execute("SELECT id FROM sync_log WHERE status = 'decided'")) == 4


def test_card_that_lark_does_not_take_never_fails_a_run_and_comes_with_the_next_one(shop, room, caplog):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    room.emulator.faults.add("POST /open-apis/im/v1/messages$", code=230013, times=1)
    assert sync(shop, room)["status"] == "ok"
    assert "the card for decisions is not up to date" in caplog.text
    assert room.cards() == []
    sync(shop, room)
    room.press("Lin", "Use Lark")
    # carried out, but the card cannot be changed: what was decided is not done twice
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=1)
    assert sync(shop, room)["to_sql"]["updated"] == 1
    assert color(room) == "orange"
    assert sync(shop, room)["to_sql"]["updated"] == 0
    assert (color(room), len(room.cards())) == ("green", 1)


def test_message_that_somebody_recalled_is_sent_anew(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    sync(shop, room)
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230011, times=1)
    clash(shop, "2")
    sync(shop, room)
    assert len(room.cards()) == 2
    room.press("Lin", None, at=0)
    sync(shop, room)
    assert len(shop.execute("SELECT id FROM sync_conflict WHERE status = 'open'")) == 1


def test_without_its_database_a_run_leaves_everything_as_without_a_card(shop, room, caplog, monkeypatch):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    store = json.dumps({"conn_type": "sqlite", "host": "/nowhere/store.db"})
    with monkeypatch.context() as broken:
        broken.setenv("AIRFLOW_CONN_LARK_STORE", store)
        assert sync(shop, room)["conflicts"] == 1
    assert "waits for the next run" in caplog.text
    sync(shop, room)
    assert color(room) == "orange"


def test_hidden_column_is_not_shown_and_a_wrong_name_shows_nothing(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    report = sync(shop, room, decision_hidden=["nmae"])
    assert "no column is named 'nmae'" in "".join(report["warnings"])
    assert "Anne" not in room.shown()
    sync(shop, room, decision_hidden=["name"])
    assert "name: (not shown)" in room.shown()
    assert "Anne" not in room.shown()


def test_task_that_stays_tells_and_carries_out_between_its_runs(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    assert sync(shop, room, run_for=0.1)["conflicts"] == 1
    room.press("Lin", "Use database")
    assert sync(shop, room, run_for=0.1)["to_lark"]["updated"] == 1
    assert color(room) == "green"


def test_empty_list_of_people_is_refused_when_the_dag_is_read(shop, room):
    with pytest.raises(ValueError, match="decision_allowed: an empty list"):
        operator(shop, room, decision_allowed=[])
    with pytest.raises(AirflowFailException, match="decision_allowed: is empty"):
        sync(shop, room, decision_allowed="[]")


def ask_about_a_clash(shop, room):
    sync(shop, room, BitableFullSyncOperator)
    clash(shop)
    sync(shop, room)


def is_closed(room, card=-1):
    return '"callback"' not in room.shown(card) and '"template":"grey"' in room.shown(card)


def test_card_of_a_sync_that_asks_no_more_is_closed_and_whoever_presses_it_is_told(shop, room):
    ask_about_a_clash(shop, room)
    room.press("Lin", "Use Lark")
    other = operator(shop, room, decision_chat=None)
    other.task_id = "another"
    other.execute(context())
    assert not is_closed(room)
    # Lark does not take it at first: whoever presses the card meanwhile is told so, and sees it closed
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=1)
    assert sync(shop, room, decision_chat=None)["status"] == "ok"
    assert not is_closed(room)
    told = room.press("Lin", "Take back")["toast"]
    assert told["content"] == "The sync asks here no more, and nobody carries out what is pressed here"
    assert told["i18n"]["zh_cn"] == "同步任务不再在此询问，在此作出的决定不会执行"
    assert is_closed(room)
    sync(shop, room, decision_chat=None)
    assert is_closed(room)
    assert "not carried out: the sync asks here no more" in room.shown()
    assert shop.sql_names()["1"] == "Anna"
    updates = room.emulator.counters()["PATCH /open-apis/im/v1/messages/:message_id"]
    sync(shop, room, decision_chat=None)
    assert room.emulator.counters()["PATCH /open-apis/im/v1/messages/:message_id"] == updates
    # asked again there
    sync(shop, room)
    room.press("Lin", "Use Lark")
    sync(shop, room)
    assert shop.sql_names()["1"] == "Anne"


def test_card_in_another_chat_is_closed_when_people_are_asked_elsewhere(shop, room):
    ask_about_a_clash(shop, room)
    elsewhere = room.emulator.state.add_chat("Elsewhere", list(room.people.values()))
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230013, times=1)
    sync(shop, room, decision_chat=elsewhere)
    assert room.cards()[1].chat_id == elsewhere
    assert "changed since" in room.toast("Lin", "Use Lark", card=0)
    assert is_closed(room, 0)
    assert "People are asked on a newer card now" in room.shown(0)
    room.press("Lin", "Use Lark")
    sync(shop, room, decision_chat=elsewhere)
    assert shop.sql_names()["1"] == "Anne"
    # the first try had failed
    assert room.emulator.counters()["PATCH /open-apis/im/v1/messages/:message_id"] == 3


def test_card_about_a_table_that_has_another_name_by_now_is_closed(shop, room):
    ask_about_a_clash(shop, room)
    shop.execute("ALTER TABLE areas RENAME TO regions")
    shop.execute("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    renamed = operator(shop, room)
    renamed.mapping = {**renamed.mapping, "sql": {"conn_id": "shop_db", "table": "regions"}}
    renamed.execute(context())
    assert is_closed(room, 0)
    assert "asks here no more" in room.shown(0)


def test_card_that_no_run_has_looked_at_for_days_decides_nothing_until_one_does(shop, room):
    ask_about_a_clash(shop, room)
    room.execute("UPDATE lark_decision_cards SET looked_at_ms = 1")
    assert room.toast("Lin", "Use Lark").startswith("The sync has not run for days, so nobody would carry this out")
    assert is_closed(room)
    assert audit(room) == [(room.people["Lin"], "refused", "abandoned")]
    sync(shop, room)
    assert room.toast("Lin", "Use Lark").startswith("Recorded")
    sync(shop, room)
    assert shop.sql_names()["1"] == "Anne"
