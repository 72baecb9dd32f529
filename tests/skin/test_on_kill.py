"""A task that somebody marks as failed while it writes: SIGTERM, as a worker gets it, to a real process.

The emulator holds the answer to a write back meanwhile, so the word comes in the middle of it.
"""

from __future__ import annotations

import json
import logging
from textwrap import dedent
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowException
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.errors import Stopped
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.bitable import BitableUploadAttachmentsOperator
from airflow_provider_lark.operators.sync import BitableConsistencyCheckOperator, BitableFullSyncOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator
from tests.skin.orders import context
from tests.skin.task_process import run_task

ROWS = 60
HELD_WRITE = 3
DAG = dedent("""
    from airflow.sdk import DAG
    from airflow_provider_lark.operators.sync import BitableFullSyncOperator
    from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
    from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator

    with DAG("made_in_a_test", schedule=None):
        mapping = {"lark": {"base": "MyDB", "table": "areas"}, "sql": {"table": "areas"}, "batch_size": 1}
        BitableFullSyncOperator(task_id="sync", mapping=mapping, sql_conn_id="shop_db")
        transfer = {"table": "MyDB:areas", "sql_conn_id": "shop_db"}
        SqlToBitableOperator(task_id="load", source_table="areas", batch_size=1, **transfer)
""")


class Places:
    def __init__(self, emulator, folder):
        self.emulator = emulator
        self.path = folder / "shop.db"
        self.engine = create_engine(f"sqlite:///{self.path}")
        self.base = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
        self.table_id = emulator.state.create_table(self.base, "areas", fields).table_id
        with self.engine.begin() as conn:
            conn.execute(text("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))"))
            for number in range(ROWS):
                conn.execute(text("INSERT INTO areas VALUES (:code, 'n')"), {"code": f"{number:03}"})
        lark = {"login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        self.connections = {
            "lark_default": {"conn_type": "lark", **lark, "extra": json.dumps({"bases": {"MyDB": self.base}})},
            "shop_db": {"conn_type": "sqlite", "host": str(self.path)},
        }

    def codes(self):
        records = self.emulator.person.records(self.base, self.table_id)
        return sorted("".join(part["text"] for part in record["fields"]["code"]) for record in records)

    def count(self, table, where="1 = 1"):
        with self.engine.connect() as conn:
            return conn.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))

    def was_held(self):
        writes = [count for route, count in self.emulator.counters().items() if route.endswith("/records/batch_create")]
        return sum(writes) >= HELD_WRITE


@pytest.fixture
def places(emulator, tmp_path, monkeypatch):
    found = Places(emulator, tmp_path)
    for conn_id, parts in found.connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(parts))
    # the write after it is held back until the word has come
    emulator.faults.add("/records/batch_create", action="delay", delay_seconds=1.0, skip=HELD_WRITE - 1)
    yield found
    found.engine.dispose()


def kill(monkeypatch, folder, places, task_id):
    folder = folder / "dag"
    folder.mkdir()
    connections = {conn_id: {**parts, "conn_id": conn_id} for conn_id, parts in places.connections.items()}
    run = run_task(monkeypatch, folder, DAG, task_id, connections, level="INFO", is_killed=places.was_held)
    assert any(event.startswith("Stopped: stopped on request") for event in run.events("error")), run.log
    return run


def test_killed_sync_ends_between_two_writes_with_everything_noted(monkeypatch, tmp_path, places):
    kill(monkeypatch, tmp_path, places, "sync")
    landed = places.codes()
    assert HELD_WRITE <= len(landed) < ROWS
    # each record that was made is known, nothing is in doubt, nothing is held
    assert places.count("sync_record_map") == len(landed)
    assert (places.count("sync_intent", "state <> 'done'"), places.count("sync_lease")) == (0, 0)
    assert places.count("sync_queue", "status = 'processing'") == 0

    mapping = {"lark": {"base": "MyDB", "table": "areas"}, "sql": {"table": "areas"}}
    parameters = {"task_id": "t", "mapping": mapping, "sql_conn_id": "shop_db"}
    report = BitableFullSyncOperator(**parameters).execute({"run_id": "manual__2"})
    assert report["to_lark"]["created"] == ROWS - len(landed)
    assert len(places.codes()) == ROWS
    assert BitableConsistencyCheckOperator(**parameters).execute({"run_id": "manual__2"})["in_step"]


def test_killed_transfer_ends_between_two_writes_and_its_second_try_goes_on(monkeypatch, tmp_path, places):
    kill(monkeypatch, tmp_path, places, "load")
    landed = places.codes()
    assert HELD_WRITE <= len(landed) < ROWS
    again = SqlToBitableOperator(
        task_id="load", table="MyDB:areas", sql_conn_id="shop_db", source_table="areas", batch_size=1
    )
    tried_again = context()
    # what makes the tokens of a task's tries equal
    tried_again["ti"].dag_id, tried_again["ti"].task_id = "made_in_a_test", "load"
    again.execute(tried_again)
    assert places.codes() == [f"{number:03}" for number in range(ROWS)]


def test_waiting_for_another_worker_ends_with_the_word(places):
    from airflow_provider_lark.core.sync.run.lease import hold_lease

    mapping = {"lark": {"app_token": places.base, "table_id": places.table_id}, "sql": {"table": "areas"}}
    task = BitableFullSyncOperator(task_id="t", mapping=mapping, sql_conn_id="shop_db")
    places.emulator.faults.clear()
    task.execute({"run_id": "manual__1"})
    clock = StoppedAtTheFirstWait(task)
    with hold_lease(places.engine, f"{places.base}/{places.table_id}", owner="other", clock=clock, wait_seconds=0):
        task.on_kill()
        with pytest.raises(AirflowException, match="Stopped"):
            task.execute({"run_id": "manual__2"})


class StoppedAtTheFirstWait:
    """A clock whose waits bring the word."""

    def __init__(self, task):
        self.task = task

    def now(self):
        from airflow_provider_lark.core.clock import SystemClock

        return SystemClock().now()

    monotonic = now

    def sleep(self, seconds):
        self.task.on_kill()


def test_client_that_waits_to_try_again_stops(emulator):
    lark = {"app_id": emulator.app_id, "app_secret": emulator.app_secret, "host": emulator.url}
    emulator.faults.add("bot/v3/info", code=99991400, status=429, times=None)
    from airflow_provider_lark.core import LarkClient

    stop = StopFlag()
    clock = StoppedAtTheFirstWait(type("Task", (), {"on_kill": stop.set}))
    clock.task.on_kill = stop.set
    with LarkClient(**lark, clock=clock, stop=stop) as client, pytest.raises(Stopped):
        client.bot.info()


def test_client_whose_write_is_in_doubt_when_it_stops_says_so(emulator, places):
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.errors import OutcomeUnknown

    emulator.faults.clear()
    emulator.faults.add("/records/batch_create", action="drop_after")
    stop = StopFlag()
    clock = StoppedAtTheFirstWait(type("Task", (), {}))
    clock.task.on_kill = stop.set
    lark = {"app_id": emulator.app_id, "app_secret": emulator.app_secret, "host": emulator.url}
    with LarkClient(**lark, clock=clock, stop=stop) as client, pytest.raises(OutcomeUnknown):
        client.bitable.batch_create(
            app_token=places.base, table_id=places.table_id, records=[{"code": "x"}], client_token=str(uuid4())
        )


class KillsAfter(logging.Handler):
    """Brings the word after so many log lines."""

    def __init__(self, task, lines):
        super().__init__()
        self.task, self.left = task, lines

    def emit(self, record):
        self.left -= 1
        if self.left == 0:
            self.task.on_kill()


@pytest.mark.parametrize(("mode", "kept"), [("append", ["old", "a", "b"]), ("replace", ["old"])])
def test_files_that_were_uploaded_before_the_word_are_in_their_cell(emulator, places, tmp_path, caplog, mode, kept):
    emulator.faults.clear()
    with LarkHook().client() as client:
        field = {"field_name": "Files", "type": 17}
        client.bitable.create_field(app_token=places.base, table_id=places.table_id, field=field)
        token = client.drive.upload_media(app_token=places.base, name="old", content=b"old")
    record_id = emulator.person.add_record(
        places.base, places.table_id, {"code": "x", "Files": [{"file_token": token}]}
    )
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    files = {record_id: [str(tmp_path / name) for name in "abc"]}
    task = BitableUploadAttachmentsOperator(task_id="t", table="MyDB:areas", field="Files", files=files, mode=mode)
    uploads, handler = logging.getLogger("airflow_provider_lark.core.transfer.files.upload"), KillsAfter(task, 2)
    uploads.addHandler(handler)
    with caplog.at_level(logging.DEBUG, logger=uploads.name), pytest.raises(AirflowException, match="Stopped"):
        task.execute(context())
    uploads.removeHandler(handler)
    (record,) = emulator.person.records(places.base, places.table_id)
    assert [each["name"] for each in record["fields"]["Files"]] == kept
