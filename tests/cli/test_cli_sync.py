"""``airflow lark sync …``: each command on a shop whose rows fail, loop and wait; every change is seen by a run."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
from pathlib import Path
from threading import Thread

import pytest
import yaml
from sqlalchemy import text

from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.emulator.state.copying import copy_base
from tests.cli.test_cli_output import read
from tests.databases import open_sqlite
from tests.skin.stats import StatsdServer, forget_stats, read_influx


class Desk:
    """The shop's commands, and both hands on its tables."""

    def __init__(self, airflow, shop, emulator, database):
        self._airflow, self._file, self._emulator = airflow, shop, emulator
        self.sql = open_sqlite(database)
        (base,) = emulator.state.bases.values()
        self.place = (base.app_token, next(iter(base.tables)))

    def __call__(self, *arguments):
        return self._airflow("sync", *arguments, "--mapping", self._file, "--sql-conn-id", "shop_db")

    def execute(self, statement, **values):
        with self.sql.begin() as conn:
            done = conn.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else None

    def names(self):
        found = self._emulator.person.records(*self.place)
        return {_plain(each["fields"]["code"]): _plain(each["fields"].get("name")) for each in found}

    def edit(self, code, name):
        found = self._emulator.person.records(*self.place)
        record = next(each["record_id"] for each in found if _plain(each["fields"]["code"]) == code)
        self._emulator.person.edit_record(*self.place, record, {"name": name})


def _plain(cell):
    return None if cell is None else "".join(part["text"] for part in cell)


@pytest.fixture
def desk(airflow, shop, emulator, tmp_path):
    return Desk(airflow, shop, emulator, tmp_path / "shop.db")


@pytest.fixture
def synced(desk):
    """The shop with three rows, in step."""
    desk.execute("INSERT INTO areas VALUES ('1', 'one'), ('2', 'two'), ('3', 'three')")
    assert desk("full").status == 0
    return desk


def lines(outcome):
    assert outcome.status in (0, 2), outcome.text
    return outcome.json


def test_run_tells_what_it_did_and_status_and_runs_remember_it(synced):
    synced.execute("UPDATE areas SET name = 'new' WHERE code = '1'")
    synced.edit("2", "neu")
    done = synced("run", "--output", "json")
    assert (done.status, done.err) == (0, "")
    (report,) = done.json
    assert (report["mapping"], report["status"]) == ("areas", "ok")
    assert (report["to_lark"]["updated"], report["to_sql"]["updated"]) == (1, 1)
    assert synced.names() == {"1": "new", "2": "neu", "3": "three"}
    (status,) = lines(synced("status", "--output", "json"))
    assert (status["pending"], status["failed"], status["needs_a_person"]) == (0, 0, False)
    assert status["last_run"]["counts"]["lark_updated"] == 1
    assert status["last_hour"]["success_rate"] == 1.0
    assert [each["operation"] for each in lines(synced("runs", "--output", "json"))] == ["incremental", "full"]
    table = synced("runs").out
    assert "1 updated" in table
    assert "3 created" in table


def test_status_says_that_deletes_wait_where_a_column_tells_of_changes(synced, shop):
    """O42: deletes in SQL are found by full syncs only."""
    file = Path(shop)
    mappings = yaml.safe_load(file.read_text())["mappings"]
    synced.execute("ALTER TABLE areas ADD COLUMN changed TEXT")
    file.write_text(yaml.safe_dump({"mappings": [{**mappings[0], "capture": "column:changed"}]}))
    assert "areas: capture column:changed: deletes in SQL wait for the next full sync" in synced("status").out
    (status,) = lines(synced("status", "--output", "json"))
    assert (status["capture"], status["deletes_wait_for_full_sync"]) == ("column:changed", True)


def test_text_of_a_run_names_the_rows_that_failed_and_exits_with_2(synced, emulator):
    emulator.faults.add("batch_update", code=1254060, status=200, times=None, contains="bad")
    synced.execute("UPDATE areas SET name = 'bad' WHERE code = '1'")
    done = synced("run")
    assert done.status == 2
    assert "partial" in done.out
    assert "areas: 1: " in done.out


def test_failed_row_is_listed_retried_once_and_carried_over(synced, emulator):
    emulator.faults.add("batch_update", code=1254060, status=200, times=None, contains="bad")
    synced.execute("UPDATE areas SET name = 'bad' WHERE code = '1'")
    synced("run")
    synced.execute(
        "UPDATE sync_queue SET status = 'failed', retry_count = 3, processed_at = created_at WHERE status = 'pending'"
    )
    (failed,) = lines(synced("failed", "--output", "json"))
    assert (failed["Mapping"], failed["Key"], failed["Attempts"]) == ("areas", "1", 3)
    assert failed["Error"]
    status = synced("status")
    assert status.status == 2
    emulator.faults.clear()
    assert synced("retry", "areas", "1").out == "The next run tries again: 1\n"
    assert synced("retry", "areas", "1").out == "Wait for the next run already: 1\n"
    assert synced.execute("SELECT status, retry_count FROM sync_queue WHERE status <> 'completed'") == [("pending", 0)]
    assert synced("run").status == 0
    assert synced.names()["1"] == "bad"
    assert synced("status").status == 0


def test_retry_of_what_is_delayed_claimed_held_or_unknown_says_so(synced):
    insert = (
        "INSERT INTO sync_queue (table_name, record_id, operation, status, next_attempt_at) "
        "VALUES ('areas', :key, :op, :status, :next)"
    )
    later = "2999-01-01 00:00:00.000000"
    for key, op, status, next_ in [
        ("1", "UPDATE", "pending", later),
        ("2", "UPDATE", "processing", None),
        ("3", "DELETE", "held", None),
    ]:
        synced.execute(insert, key=key, op=op, status=status, next=next_)
    outcome = synced("retry", "areas", "3", "1", "2", "1")
    assert outcome.out.splitlines() == [
        "The next run tries again: 1",
        "A run is trying them now: 2",
        "Held deletes, which a person has to release: 3",
    ]
    assert synced.execute("SELECT next_attempt_at FROM sync_queue WHERE record_id = '1'")[-1] == (None,)
    refused = synced("retry", "areas", "1", "nobody", "[on hold] x")
    assert refused.status == 1
    assert "nothing of 'nobody', '[on hold] x' has failed or waits" in refused.err
    both = synced("retry", "areas", "1", "--all")
    assert (both.status, both.out) == (1, "")
    assert synced("retry", "areas", "--all").out == "The next run tries 0 failed rows again\n"


def test_blacklisted_row_is_left_alone_until_it_is_removed(synced):
    done = synced("blacklist", "add", "areas", "1", "1", "--reason", "[red]loops[/red]", "--hours", "1")
    assert done.out == "1 row of areas left alone for 1.0 h\n"
    synced.execute("UPDATE areas SET name = 'x' || code")
    synced("run")
    assert synced.names() == {"1": "one", "2": "x2", "3": "x3"}
    (listed,) = lines(synced("blacklist", "list", "--output", "json"))
    assert (listed["Key"], listed["Holds for"], listed["Reason"]) == ("1", "areas", "[red]loops[/red]")
    assert "[red]loops[/red]" in synced("blacklist", "list").out
    (status,) = lines(synced("status", "--output", "json"))
    assert (status["blacklisted"], status["pending"]) == (1, 0)
    refused = synced("blacklist", "remove", "areas", "1", "2")
    assert refused.status == 1
    assert "not on the blacklist: '2'" in refused.err
    assert synced("blacklist", "remove", "areas", "1").status == 0
    synced("run")
    assert synced.names()["1"] == "x1"


def test_blacklist_of_every_table_is_another_one(synced):
    synced("blacklist", "add", "areas", "1", "--everywhere")
    (listed,) = lines(synced("blacklist", "list", "--output", "json"))
    assert (listed["Holds for"], listed["Ends in"]) == ("every table", "never")
    assert "--everywhere" in synced("blacklist", "remove", "areas", "1").err
    assert synced("blacklist", "remove", "areas", "1", "--everywhere").status == 0
    assert lines(synced("blacklist", "list", "--output", "json")) == []


def test_check_that_finds_drift_exits_with_2(synced):
    assert synced("check").status == 0
    synced.edit("1", "drifted")
    found = synced("check", "--output", "json")
    assert found.status == 2
    assert (found.json[0]["status"], found.json[0]["different"]) == ("drift", 1)


def test_held_deletes_exit_with_2_and_are_allowed_for_one_run(desk):
    numbers = "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 60)"
    desk.execute(f"INSERT INTO areas SELECT value, 'n' FROM ({numbers} SELECT value FROM n)")
    desk("full")
    desk.execute("DELETE FROM areas WHERE CAST(code AS INTEGER) <= 40")
    held = desk("run")
    assert held.status == 2
    assert "SafetyStop" in held.err
    assert len(desk.names()) == 60
    assert desk("status").status == 2
    assert desk("run", "--allow-mass-deletes").status == 0
    assert len(desk.names()) == 20


def test_log_is_filtered_by_key_and_status(synced):
    synced.execute("UPDATE areas SET name = 'x' WHERE code IN ('1', '2')")
    synced("run")
    every = lines(synced("log", "areas", "--output", "json"))
    assert len(every) == 5
    assert [each["Key"] for each in lines(synced("log", "areas", "--key", "2", "--output", "json"))] == ["2", "2"]
    assert lines(synced("log", "areas", "--status", "failed", "--output", "json")) == []
    assert len(lines(synced("log", "areas", "--limit", "1", "--output", "json"))) == 1
    assert lines(synced("log", "areas", "--run-id", every[0]["Run"], "--output", "json"))


def test_one_mapping_that_fails_does_not_keep_the_others_from_their_turn(synced, shop, airflow):
    file = Path(shop)
    mappings = yaml.safe_load(file.read_text())["mappings"]
    ghost = {"name": "ghost", "lark": {"base": "MyDB", "table": "areas"}, "sql": "ghosts", "direction": "to_sql"}
    file.write_text(yaml.safe_dump({"mappings": [ghost, *mappings]}))
    synced.execute("UPDATE areas SET name = 'new' WHERE code = '1'")
    done = synced("run", "--output", "json")
    assert done.status == 1
    assert [(each["mapping"], each["status"]) for each in done.json] == [("ghost", "failed"), ("areas", "ok")]
    assert done.err.startswith("ghost: SchemaMismatch: ")
    assert synced.names()["1"] == "new"


@pytest.mark.parametrize("command", ["status", "runs", "failed", "blacklist list", "conflicts list", "held list"])
def test_database_that_fails_hides_no_mapping_of_another(synced, shop, airflow, monkeypatch, command, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_GONE_DB", f"sqlite:///{tmp_path / 'no' / 'x.db'}")
    file = Path(shop)
    (areas,) = yaml.safe_load(file.read_text())["mappings"]
    gone = {"name": "gone", "direction": "to_sql", "lark": areas["lark"]}
    gone |= {"sql": {"conn_id": "gone_db", "table": "gone"}}
    lost = {**gone, "name": "lost", "sql": {"conn_id": "gone_db", "table": "lost"}}
    here = {**areas, "sql": {"conn_id": "shop_db", "table": "areas"}}
    file.write_text(yaml.safe_dump({"mappings": [gone, here]}))
    synced("blacklist", "add", "areas", "1")
    shown = airflow("sync", *command.split(), "--mapping", shop, "--output", "json")
    assert shown.status == 1
    assert shown.err.startswith("gone: ")
    assert shown.err.count("\n") == 1
    assert all((each.get("mapping") or each.get("Mapping")) == "areas" for each in shown.json)
    assert bool(shown.json) == (command in ("status", "runs", "blacklist list"))
    file.write_text(yaml.safe_dump({"mappings": [gone, lost]}))
    neither = airflow("sync", *command.split(), "--mapping", shop, "--output", "json")
    assert (neither.status, neither.out) == (1, "")
    assert [line.partition(":")[0] for line in neither.err.splitlines()] == ["gone", "lost"]


@pytest.mark.parametrize("version", [None, "v0005", "v9999"])
@pytest.mark.parametrize("command", [("status",), ("failed",), ("retry", "areas", "1"), ("log", "areas"), ("runs",)])
def test_ledger_that_is_missing_or_of_another_version_is_one_sentence(desk, version, command):
    if version is not None:
        migrate.upgrade(desk.sql)
        desk.execute(f"UPDATE {migrate.VERSION_TABLE} SET version_num = :version", version=version)
    refused = desk(*command)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.count("\n") == 0
    wanted = {None: "has no ledger", "v0005": "the setup or the next run upgrades it", "v9999": "upgrade this one"}
    assert "mapping 'areas'" in refused.err
    assert wanted[version] in refused.err


def test_ledger_of_a_newer_version_stops_every_command_and_is_not_written_to(synced, airflow, shop):
    """O54: one sentence with both versions and what to do; exit 1."""
    synced.execute("UPDATE areas SET name = 'new' WHERE code = '1'")
    synced.execute(f"UPDATE {migrate.VERSION_TABLE} SET version_num = 'v9999'")
    tables = [
        name
        for (name,) in synced.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE 'sync!_%' ESCAPE '!' AND type = 'table'"
        )
    ]
    before = {name: synced.execute(f"SELECT * FROM {name}") for name in tables}
    for command in (
        *("status", "runs", "failed", "run", "full", "check", "plan"),
        *("retry areas 1", "log areas", "blacklist list", "blacklist add areas 1", "blacklist remove areas 1"),
        *("conflicts list", "conflicts show areas 1", "conflicts resolve areas 1 --take sql"),
        *("held list", "held release areas", "held discard areas", "uninstall areas --yes", "move areas --yes"),
        *("explain 1", "undo manual --yes", "check --repair policy"),
    ):
        refused = synced(*command.split())
        assert refused.status == 1, command
        assert "v9999" in refused.err, command
        assert migrate.HEAD in refused.err, command
        assert "upgrade this one" in refused.err, command
        assert "Traceback" not in refused.text, command
    found = airflow("doctor", "--mapping", shop, "--sql-conn-id", "shop_db")
    assert found.status == 1
    assert "v9999" in found.text
    assert {name: synced.execute(f"SELECT * FROM {name}") for name in tables} == before
    assert synced.names()["1"] == "one"


def test_mapping_files_come_from_the_configuration(synced, airflow, shop, monkeypatch):
    refused = airflow("sync", "status", "--sql-conn-id", "shop_db")
    assert refused.status == 1
    assert "mapping_files in section [lark]" in refused.err
    monkeypatch.setenv("AIRFLOW__LARK__MAPPING_FILES", f" {shop}, ")
    assert airflow("sync", "status", "--sql-conn-id", "shop_db").status == 0
    unknown = airflow("sync", "retry", "aeras", "1", "--sql-conn-id", "shop_db")
    assert "did you mean 'areas'?" in unknown.err


def test_names_and_errors_are_printed_as_they_are_on_one_line(synced):
    error = "[/marketing] a[0] \x1b[31m " + "x" * 300
    synced.execute(
        "INSERT INTO sync_queue (table_name, record_id, status, error_message, processed_at) "
        "VALUES ('areas', '[on hold] 张三 😀', 'failed', :error, '2026-11-27 00:00:00.000000')",
        error=error,
    )
    for output in ("plain", "table"):
        (line,) = [line for line in synced("failed", "--output", output).out.splitlines() if "on hold" in line]
        assert "[on hold] 张三 😀" in line
        assert "[/marketing] a[0] \\u001b[31m " + "x" * 300 in line
    (failed,) = synced("failed", "--output", "json").json
    assert (failed["Key"], failed["Error"]) == ("[on hold] 张三 😀", error)


@pytest.fixture
def clash(synced, shop):
    """The shop with an open conflict of row 1, which people are to decide."""
    file = Path(shop)
    mappings = yaml.safe_load(file.read_text())["mappings"]
    file.write_text(yaml.safe_dump({"mappings": [each | {"conflict": "manual"} for each in mappings]}))
    synced.execute("UPDATE areas SET name = 'B' WHERE code = '1'")
    synced.edit("1", "[A]")
    synced("run")
    return synced


def open_id(desk):
    (conflict,) = lines(desk("conflicts", "list", "--output", "json"))
    return str(conflict["Id"])


def test_conflict_is_shown_with_both_values_and_resolved_by_the_next_run(clash):
    (listed,) = lines(clash("conflicts", "list", "--output", "json"))
    assert (listed["Key"], listed["Differs in"], listed["Next run"]) == ("1", "name", "")
    shown = clash("conflicts", "show", "areas", open_id(clash)).out
    assert "name   | one    | [A]  | B" in shown
    (_, name) = clash("conflicts", "show", "areas", open_id(clash), "--output", "json").json
    assert name == {"Column": "name", "Agreed": "one", "Lark": "[A]", "SQL": "B", "Differs": "yes"}
    done = clash("conflicts", "resolve", "areas", open_id(clash), "--take", "lark")
    assert done.out == "Lark wins 1 conflict in the next run, if the values are the same then\n"
    # another word before the run replaces it
    clash("conflicts", "resolve", "areas", open_id(clash), "--take", "sql")
    (listed,) = lines(clash("conflicts", "list", "--output", "json"))
    assert listed["Next run"].startswith("SQL wins, as ")
    assert clash("run").status == 0
    assert (clash.names()["1"], clash.execute("SELECT name FROM areas WHERE code = '1'")) == ("B", [("B",)])
    assert lines(clash("conflicts", "list", "--output", "json")) == []
    assert clash.execute("SELECT choice, status FROM sync_decision ORDER BY id") == [
        ("lark", "replaced"),
        ("sql", "applied"),
    ]
    (logged,) = lines(clash("log", "areas", "--status", "decided", "--output", "json"))
    assert "(command line) decided (decision 2)" in logged["Detail"]


def test_conflict_whose_values_change_before_it_is_decided_is_another_one(clash):
    seen = open_id(clash)
    clash.edit("1", "C")
    clash("run")
    refused = clash("conflicts", "resolve", "areas", seen, "--take", "sql")
    assert refused.status == 1
    assert "its values have changed since" in refused.err
    assert open_id(clash) != seen
    assert clash.execute("SELECT COUNT(*) FROM sync_decision") == [(0,)]


def test_conflict_whose_values_change_after_it_is_decided_is_left_open(clash):
    clash("conflicts", "resolve", "areas", open_id(clash), "--take", "sql")
    clash.edit("1", "C")
    clash("run")
    assert clash.names()["1"] == "C"
    assert clash.execute("SELECT status FROM sync_decision") == [("changed",)]
    assert len(lines(clash("conflicts", "list", "--output", "json"))) == 1


def test_plan_foresees_what_is_decided(clash):
    clash("conflicts", "resolve", "areas", open_id(clash), "--take", "sql")
    (plan,) = lines(clash("plan", "--output", "json"))
    (update,) = [each for each in plan["actions"] if each["side"] == "lark"]
    assert (update["kind"], update["key"]) == ("update", "1")
    assert clash.execute("SELECT status FROM sync_decision") == [("open",)]


def test_closed_and_unknown_conflicts_are_refused(clash):
    id_ = open_id(clash)
    clash("conflicts", "resolve", "areas", id_, "--take", "sql")
    clash("run")
    assert "is closed" in clash("conflicts", "resolve", "areas", id_, "--take", "lark").err
    assert "closed, SQL wins" in clash("conflicts", "show", "areas", id_).out
    assert "there is no conflict 99" in clash("conflicts", "show", "areas", "99").err


@pytest.fixture
def held(desk):
    """The shop with sixty rows, of which forty were deleted in SQL."""
    numbers = "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 60)"
    desk.execute(f"INSERT INTO areas SELECT value, 'n' FROM ({numbers} SELECT value FROM n)")
    desk("full")
    desk.execute("DELETE FROM areas WHERE CAST(code AS INTEGER) <= 40")
    assert desk("run").status == 2
    return desk


def test_held_deletes_are_listed_and_released_as_they_were_seen(held):
    listed = lines(held("held", "list", "--output", "json"))
    assert len(listed) == 40
    assert {(each["Deleted in"], each["Kept in"], each["Next run"]) for each in listed} == {("SQL", "Lark", "")}
    refused = held("held", "release", "areas", "--count", "39")
    assert refused.status == 1
    assert "40 deletes held in Lark now, not 39" in refused.err
    assert "no delete is held in SQL" in held("held", "release", "areas", "--kept-in", "sql").err
    done = held("held", "release", "areas", "--count", "40")
    assert done.out == "40 deletes held in Lark will be carried out by the next run\n"
    assert "carried out, as " in lines(held("held", "list", "--output", "json"))[0]["Next run"]
    assert held("run").status == 0
    assert len(held.names()) == 20
    assert lines(held("held", "list", "--output", "json")) == []
    assert "no delete is held" in held("held", "discard", "areas").err


def test_held_deletes_are_undone_where_they_were_made(held):
    assert held("held", "discard", "areas").out == "40 deletes held in Lark will be undone by the next run\n"
    assert held("run").status == 0
    assert held.execute("SELECT COUNT(*) FROM areas") == [(60,)]
    assert len(held.names()) == 60


def test_deletes_that_came_after_the_word_are_not_released_with_the_others(held):
    held("held", "release", "areas")
    held.execute("DELETE FROM areas WHERE code = '41'")
    held.execute(
        "INSERT INTO sync_queue (table_name, record_id, operation, status) VALUES ('areas', '41', 'DELETE', 'held')"
    )
    assert held("run").status == 2
    assert len(held.names()) == 60
    assert held.execute("SELECT status FROM sync_decision") == [("changed",)]


def test_uninstall_shows_what_goes_and_leaves_what_is_of_others(synced, monkeypatch):
    synced.execute("CREATE TRIGGER lark_sync_audit AFTER UPDATE ON areas BEGIN SELECT 1; END")
    synced.execute("CREATE VIEW my_log AS SELECT * FROM sync_log")
    synced.execute("INSERT INTO sync_queue (table_name, record_id) VALUES ('of_another', '1')")
    synced.execute("UPDATE areas SET name = 'x' WHERE code = '1'")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    refused = synced("uninstall", "areas")
    assert (refused.status, refused.err.count("[y/N]")) == (1, 1)
    assert "Nothing was removed" in refused.err
    assert "3 lines of sync_record_map" in refused.out
    assert "with them 1 change in SQL that Lark does not have yet" in refused.out
    assert refused.out.count("  trigger lark_sync_areas_") == 4
    assert "audit" not in refused.out
    synced("run")
    done = synced("uninstall", "areas", "--yes")
    assert (done.status, done.out.splitlines()[-1]) == (0, "Uninstalled areas")
    assert synced.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'") == [("lark_sync_audit",)]
    assert synced.execute("SELECT table_name FROM sync_queue") == [("of_another",)]
    assert synced.execute("SELECT COUNT(*) FROM my_log") > [(0,)]
    assert synced.execute("SELECT COUNT(*) FROM areas") == [(3,)]
    assert synced("uninstall", "areas").out == "areas: nothing is installed\n"
    # the next run is like the first one, and finds the pairs again
    assert synced("run").status == 0
    assert len(synced.names()) == 3


def test_uninstall_that_keeps_the_state_takes_the_triggers_only(synced):
    assert synced("uninstall", "areas", "--keep-state", "--yes").status == 0
    assert synced.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger'") == [(0,)]
    assert synced.execute("SELECT COUNT(*) FROM sync_record_map") == [(3,)]


def test_uninstall_of_a_table_that_is_gone_forgets_it(synced):
    synced.execute("DROP TABLE areas")
    assert synced("uninstall", "areas", "--yes").status == 0
    assert synced.execute("SELECT COUNT(*) FROM sync_record_map") == [(0,)]


@pytest.fixture
def slow(synced, emulator):
    """The shop of a Lark that takes its time, so that a run is seen while it goes on."""
    emulator.faults.add("search", action="delay", delay_seconds=1.0, times=None)
    return synced


def test_progress_in_a_file_is_few_plain_lines_beside_one_document(slow, monkeypatch):
    from airflow_provider_lark.cli.sync import progress

    monkeypatch.setattr(progress, "FILE_SECONDS", 0.05)
    done = slow("full", "--output", "json")
    assert done.status == 0
    assert done.json[0]["status"] == "ok"
    lines = done.err.splitlines()
    assert 1 <= len(lines) <= 20
    assert all(line.startswith("areas: ") and line.isprintable() for line in lines)
    assert "wrote 0 to Lark and 0 to SQL" in lines[-1]


def test_progress_on_a_terminal_is_one_line_that_goes(slow, monkeypatch):
    ours, theirs = pty.openpty()
    found = []
    reader = Thread(target=lambda: found.extend(iter(lambda: read(ours), b"")))
    reader.start()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        done = slow("full", "--output", "json")
        monkeypatch.undo()
    reader.join(timeout=60)
    os.close(ours)
    assert done.json[0]["status"] == "ok"
    shown = b"".join(found).decode()
    assert "areas: full" in shown
    # the line is taken away at the end
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[2K" in shown.rsplit("areas: ", 1)[1]


def test_commands_send_the_figures_of_their_runs_and_set_them_to_0_at_the_end(synced, monkeypatch):
    forget_stats()
    server = StatsdServer()
    try:
        for name, value in {"on": "True", "influxdb_enabled": "True", "port": str(server.port)}.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name.upper()}", value)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        synced.execute("UPDATE areas SET name = 'new' WHERE code = '1'")
        assert synced("run", "--output", "json").json[0]["status"] == "ok"
        counters, gauges = read_influx(server.take())
        assert counters["lark.sync.rows", "areas", "to_lark", "updated"] == 1
        assert gauges["lark.sync.last_run", "areas"] > 0
        assert synced("uninstall", "areas", "--yes").status == 0
        assert set(read_influx(server.take())[1].values()) == {0}
    finally:
        forget_stats()
        server.close()


def test_run_of_a_whole_base_runs_the_others_beside_what_is_refused(airflow, shop, emulator, tmp_path):
    """O36: and the ledger alone tells the tables where Lark is not asked."""
    base = next(iter(emulator.state.bases.values()))
    fields = [{"field_name": "code", "type": 1}]
    twins = [emulator.state.create_table(base.app_token, name, fields).table_id for name in ("twin", "other")]
    base.tables[twins[1]].name = "TWIN"
    whole = tmp_path / "whole.yaml"
    whole.write_text('{lark: {base: MyDB, tables: "*"}, sql: {conn_id: shop_db, table: "*"}}')
    done = airflow("sync", "full", "--mapping", str(whole), "--output", "json")
    assert done.status == 1
    assert {row["mapping"]: row["status"] for row in done.json if row["mapping"] == "areas"} == {"areas": "ok"}
    assert [row["status"] for row in done.json] == ["failed", "failed", "ok"]
    assert "'TWIN'" in done.err
    told = airflow("sync", "status", "--mapping", str(whole), "--output", "json").json
    assert [row["mapping"] for row in told] == ["areas"]
    examined = airflow("doctor", "--mapping", str(whole), "--output", "json")
    assert examined.status == 1
    assert [row["Check"] for row in examined.json if row["Status"] == "trouble"] == ["tables", "tables"]


def test_mapping_that_points_to_a_copied_base_is_refused_until_it_is_moved(synced, shop, emulator):
    """O53: both bases are named, nothing is written, and the command moves it on purpose."""
    app_token, table_id = synced.place
    made = copy_base(
        emulator.state,
        emulator.state.bases[app_token],
        name="Copy",
        time_zone="Asia/Shanghai",
        members={emulator.app_id},
        made_by=emulator.app_id,
        with_content=True,
    )
    target = {"app_token": made.app_token, "table_id": table_id}
    Path(shop).write_text(yaml.safe_dump({"mappings": [{"name": "areas", "lark": target, "sql": "areas"}]}))
    synced.place = (made.app_token, table_id)
    synced.execute("UPDATE areas SET name = 'new' WHERE code = '1'")
    for command in (["run"], ["full"], ["check"], ["plan"]):
        refused = synced(*command)
        assert refused.status == 1
        assert f"belongs to base {app_token}" in refused.err
        assert "it is a copy" in refused.err
    assert synced.names() == {"1": "one", "2": "two", "3": "three"}
    moved = synced("move", "areas", "--yes")
    assert (moved.status, "stay paired" in moved.out) == (0, True)
    assert "nothing to move" in synced("move", "areas").out
    assert synced("run").status == 0
    assert synced.names() == {"1": "new", "2": "two", "3": "three"}


def test_full_of_a_table_restored_alone_asks_which_side_counts(synced):
    """O52: the values of the backup are older than Lark's."""
    synced.execute("CREATE TABLE backup AS SELECT * FROM areas")
    for code in ("1", "2", "3"):
        synced.edit(code, f"lark {code}")
    assert synced("run").status == 0
    synced.execute("DROP TABLE areas")
    synced.execute("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    synced.execute("INSERT INTO areas SELECT * FROM backup")
    refused = synced("full")
    assert refused.status == 2
    assert "3 of the last 3 rows that the sync wrote to areas" in refused.err
    assert synced("full", "--uncaptured", "lark").status == 0
    assert synced.execute("SELECT name FROM areas ORDER BY code") == [("lark 1",), ("lark 2",), ("lark 3",)]
    assert set(synced.names().values()) == {"lark 1", "lark 2", "lark 3"}


def test_check_repairs_the_side_that_it_is_told_and_counts_first(synced):
    synced.edit("1", "drifted")
    foretold = synced("check", "--repair", "sql", "--dry-run", "--output", "json")
    assert (foretold.status, foretold.json[0]["would"]["sql.update"]["keys"]) == (2, ["1"])
    assert "sql.update 1" in synced("check", "--repair", "sql", "--dry-run").out
    done = synced("check", "--repair", "sql", "--output", "json")
    assert (done.status, done.json[0]["repaired"], done.json[0]["to_sql"]["updated"]) == (0, 1, 1)
    assert synced.execute("SELECT name FROM areas WHERE code = '1'") == [("drifted",)]
    assert synced("check", "--repair", "sql").status == 0


def test_check_writes_a_report_of_its_mappings_and_says_where(synced, tmp_path):
    synced.edit("1", "drifted")
    page, data = tmp_path / "check.html", tmp_path / "check.json"
    done = synced("check", "--report", str(page), "--report", str(data), "--output", "json")
    assert (done.status, done.json[0]["different"]) == (2, 1)
    assert done.err.count("report: ") == 2
    assert "drifted" in page.read_text()
    assert json.loads(data.read_text())["mappings"][0]["rows"][0]["columns"][0]["lark"] == "drifted"
    synced("check", "--report", str(page), "--hide", "name")
    assert "drifted" not in page.read_text()
    synced("check", "--report", str(page), "--no-values")
    assert "drifted" not in page.read_text()
    refused = synced("check", "--report", "check.pdf")
    assert (refused.status, "must end in .html or .json" in refused.err) == (1, True)
