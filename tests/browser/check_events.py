"""An edit on the emulator's page reaches SQL by its event: api-server, inbox, asset watcher, task."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.browser.conftest import wait_until


def ask(database, sql):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchone()[0]


def test_edit_of_a_person_arrives_and_its_event_is_handled(airflow):
    store = Path(airflow.database).with_name("lark_store.db")
    handled = "SELECT count(*) FROM lark_inbox WHERE status = 'completed'"
    before = ask(store, handled)
    record = airflow.person("records")["result"][0]
    airflow.person("edit_record", record_id=record["record_id"], fields={"名称": "改名了"})
    wait_until(
        lambda: ask(airflow.database, "SELECT count(*) FROM areas WHERE name = '改名了'"), "the row has the name"
    )
    wait_until(lambda: ask(store, handled) > before, "a run has taken the event")
