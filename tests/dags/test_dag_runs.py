"""Each DAG file run by Airflow, against the emulator over HTTP and a real SQLite database."""

from __future__ import annotations

import json
import os

import pytest
import yaml
from sqlalchemy import text

from tests.databases import open_sqlite

NAMES = {"1101": "北京", "3101": "上海", "4401": "广州"}


class Shop:
    """Two pairs of tables in the emulator and in SQLite, and the file that maps them."""

    def __init__(self, emulator, folder):
        self.emulator = emulator
        self.engine = open_sqlite(folder / "shop.db")
        base = emulator.state.create_base("Shop").app_token
        mappings = []
        self.tables = {}
        for name in ("areas", "cities"):
            fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
            table_id = emulator.state.create_table(base, name, fields).table_id
            self.tables[name] = (base, table_id)
            self.execute(f"CREATE TABLE {name} (code TEXT NOT NULL PRIMARY KEY, name TEXT)")
            for code, word in NAMES.items():
                self.execute(f"INSERT INTO {name} VALUES (:code, :word)", code=code, word=word)
            mappings.append({"lark": {"base": "MyDB", "table": name}, "sql": {"conn_id": "shop_db", "table": name}})
        self.config = folder / "mappings.yaml"
        self.config.write_text(yaml.safe_dump({"mappings": mappings}))
        self.base = base

    def execute(self, sql, **values):
        with self.engine.begin() as conn:
            conn.execute(text(sql), values)

    def lark_names(self, table):
        def plain(cell):
            return "".join(part["text"] for part in cell)

        records = self.emulator.person.records(*self.tables[table])
        return {plain(record["fields"]["code"]): plain(record["fields"]["name"]) for record in records}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator:
        place = Shop(emulator, tmp_path)
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        lark["extra"] = {"bases": {"MyDB": place.base}}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        database = {"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(database))
        monkeypatch.setenv("AIRFLOW_VAR_LARK_SYNC_CONFIG", str(place.config))
        yield place
        place.engine.dispose()


def test_three_dags_keep_every_table_in_step(run_dag, shop):
    state, states, values = run_dag("lark_full_sync")
    assert (state, set(states.values())) == ("success", {"success"})
    assert sorted(report["to_lark"]["created"] for (task, _), report in values.items() if task == "one_table.sync") == [
        3,
        3,
    ]
    assert shop.lark_names("areas") == shop.lark_names("cities") == NAMES

    shop.execute("UPDATE areas SET name = '上海市' WHERE code = '3101'")
    state, states, values = run_dag("lark_incremental_sync")
    assert (state, set(states.values())) == ("success", {"success"})
    assert {
        report["mapping"]: report["to_lark"]["updated"] for (task, _), report in values.items() if task == "sync"
    } == {
        "areas": 1,
        "cities": 0,
    }
    assert shop.lark_names("areas")["3101"] == "上海市"

    state, states, values = run_dag("lark_consistency_check")
    assert state == "success"
    assert [report["in_step"] for (task, _), report in values.items() if task == "check"] == [True, True]


def test_full_sync_of_one_table_leaves_the_others_alone(run_dag, shop):
    state, states, _ = run_dag("lark_full_sync", tables=["cities"])
    assert (state, [key for key in states if key[0] == "one_table.sync"]) == ("success", [("one_table.sync", 0)])
    assert (len(shop.lark_names("cities")), len(shop.lark_names("areas"))) == (3, 0)


def test_full_sync_of_a_broken_table_does_not_hold_up_the_others(run_dag, shop):
    shop.execute("DROP TABLE areas")
    state, states, _ = run_dag("lark_full_sync")
    assert state == "failed"
    assert (states["one_table.set_up", 0], states["one_table.sync", 0]) == ("failed", "upstream_failed")
    assert states["one_table.sync", 1] == "success"
    assert shop.lark_names("cities") == NAMES


def test_check_of_a_table_that_differs_fails_with_its_report_kept(run_dag, shop):
    run_dag("lark_full_sync")
    shop.emulator.person.add_record(*shop.tables["areas"], {"code": "5101", "name": "成都"})
    state, states, values = run_dag("lark_consistency_check")
    assert (state, states["check", 0], states["check", 1]) == ("failed", "failed", "success")
    assert values["check", 0]["only_lark"] == 1


def test_alerts_tell_a_chat_of_the_mapping_that_is_not_well(run_dag, shop, monkeypatch):
    run_dag("lark_full_sync")
    chat = shop.emulator.state.add_chat("Data alerts", [])
    monkeypatch.setenv("AIRFLOW_VAR_LARK_ALERTS_CHAT", "Data alerts")
    shop.execute("UPDATE sync_run SET finished_at = '2026-01-01 00:00:00.000000' WHERE table_name = 'areas'")
    state, states, values = run_dag("lark_sync_alerts")
    assert (state, set(states.values())) == ("success", {"success"})
    assert {report["mapping"]: report["is_well"] for (task, _), report in values.items() if task == "look"} == {
        "areas": False,
        "cities": True,
    }
    (card,) = [json.loads(each.content) for each in shop.emulator.messages if each.chat_id == chat]
    assert card["header"]["template"] == "red"


def test_unknown_table_name_fails_before_anything_runs(run_dag, shop):
    state, states, _ = run_dag("lark_incremental_sync", tables=["nowhere"])
    assert (state, states["read_config", -1]) == ("failed", "failed")


def test_event_sync_takes_over_what_lark_has_told(run_dag, shop, tmp_path, monkeypatch):
    from cryptography.fernet import Fernet

    from airflow_provider_lark.core.accounts.encryption import Keyring
    from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
    from airflow_provider_lark.core.receiving.envelope import read_delivery
    from tests.core.receiving.sealing import event

    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", ring := Fernet.generate_key().decode())
    store = {"conn_type": "sqlite", "host": str(tmp_path / "store.db")}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_STORE", json.dumps(store))
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    lark["extra"]["store_conn_id"] = "lark_store"
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    run_dag("lark_full_sync")
    base, table_id = shop.tables["areas"]
    record = shop.emulator.person.add_record(base, table_id, {"code": "5101", "name": "成都"})
    body = event(app_id=shop.emulator.app_id)
    body["event"] = {"file_type": "bitable", "file_token": base, "table_id": table_id}
    body["event"]["action_list"] = [{"record_id": record, "action": "record_added"}]
    engine = open_sqlite(tmp_path / "store.db")
    inbox = SqlInbox(engine, Keyring.from_text(ring), shop.emulator.app_id)
    inbox.put(read_delivery(body, now_ms=0))

    state, states, values = run_dag("lark_event_sync", stay_seconds=0)
    assert (state, set(states.values())) == ("success", {"success"})
    told = {report["mapping"]: report["to_sql"]["created"] for (task, _), report in values.items() if task == "sync"}
    assert told == {"areas": 1, "cities": 0}
    assert inbox.count().completed == 1
    # the other way: it stays, and tells how many runs there were
    state, _, values = run_dag("lark_event_sync", stay_seconds=1, tables=["areas"])
    assert (state, values["sync", 0]["runs"]) == ("success", 1)
    engine.dispose()
