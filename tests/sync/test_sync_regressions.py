"""What once went wrong: poisoned rows, duplicates, hidden records, runs that never ended."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import BadRequest, OutcomeUnknown
from airflow_provider_lark.emulator import Emulator
from tests.sync.world import World, wrote


def due(world: World) -> None:
    """Let the backoff of what waits be over."""
    world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")


def test_sql_value_without_a_canonical_form_poisons_its_own_row_only(world: World) -> None:
    world.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, n BIGINT)")
    lark = world.emu.state.create_table(
        world.app_token, "big", [{"field_name": "id", "type": 2}, {"field_name": "n", "type": 2}]
    )
    engine = world.engine(lark={"app_token": world.app_token, "table_id": lark.table_id}, sql="big", fields=None)
    world.execute("INSERT INTO big VALUES (1, 1), (2, 2)")
    engine.full()
    world.execute("UPDATE big SET n = 12345678901234567 WHERE id = 1")
    records = world.emu.person.records(world.app_token, lark.table_id)
    for record in records:
        world.emu.person.edit_record(world.app_token, lark.table_id, record["record_id"], {"n": 50})
    report = engine.incremental()
    assert report.failed >= 1
    assert "'1'" in report.problems[0]
    assert world.ask("SELECT n FROM big WHERE id = 2") == [(50,)]
    assert engine.full().status == "partial"
    world.execute("UPDATE big SET n = 7 WHERE id = 1")
    due(world)
    engine.incremental()
    engine.full()
    assert engine.check().in_step


class Meddling(Emulator):
    """An emulator in which a person acts just before the n-th search."""

    def meddle(self, nth: int, act: object) -> None:
        self.searches, self.nth, self.act = 0, nth, act

    def answer(self, request):  # type: ignore[no-untyped-def]
        if hasattr(self, "act") and request.path.endswith("/search"):
            self.searches += 1
            if self.searches == self.nth:
                self.act()  # type: ignore[operator]
        return super().answer(request)


def test_record_edited_while_a_first_full_sync_reads_gets_no_duplicate(world: World) -> None:
    with Meddling() as emu:
        base = emu.state.create_base("Shop")
        fields = [
            {"field_name": "code", "type": 2},
            {"field_name": "name", "type": 1},
            {"field_name": "M", "type": 1002},
        ]
        table = emu.state.create_table(base.app_token, "people", fields)
        world.insert(*({"code": n, "name": f"n{n}"} for n in range(1, 601)))
        ids = emu.person.add_records(
            base.app_token, table.table_id, [{"code": n, "name": f"n{n}"} for n in range(1, 601)]
        )
        # the last of the newest-first order, not yet read when the second page is asked for
        emu.meddle(2, lambda: emu.person.edit_record(base.app_token, table.table_id, ids[0], {"name": "edited"}))
        with LarkClient(emu.app_id, emu.app_secret, emu.url) as client:
            mapping = world.mapping(
                lark={"app_token": base.app_token, "table_id": table.table_id}, fields={"code": "code", "name": "name"}
            )
            report = SyncEngine(client, world.sql, mapping).full()
        assert (report.to_lark.created, len(emu.person.records(base.app_token, table.table_id))) == (0, 600)
        assert world.rows()[1]["name"] == "edited"


def test_many_bad_values_do_not_keep_the_good_rows_back(world: World) -> None:
    engine = world.ready(rows=60)
    world.execute("UPDATE people SET name = 'poison' WHERE code <= 20")
    world.execute("UPDATE people SET name = 'good' WHERE code > 20")
    world.emu.faults.add("batch_update", code=1254060, contains="poison", times=None)
    report = engine.incremental()
    assert (report.to_lark.updated, report.failed) == (40, 20)


def test_full_table_stops_the_run_after_a_few_calls(world: World) -> None:
    engine = world.ready(rows=1)
    world.emu.switches.max_records = 1
    world.insert(*({"code": n, "name": f"n{n}"} for n in range(10, 310)))
    before = world.client.calls.snapshot()
    with pytest.raises(BadRequest, match="table is full"):
        engine.incremental()
    assert world.client.calls.since(before)["create"] < 25
    world.emu.switches.max_records = None
    due(world)
    engine.incremental()
    world.assert_in_step()


def test_ignored_delete_then_a_new_row_of_the_key_ends(world: World) -> None:
    engine = world.ready(deletes="ignore")
    world.remove(1)
    engine.incremental()
    world.delete(1)
    world.insert({"code": 1, "name": "again"})
    for _ in range(3):
        engine.incremental()
    assert world.by_code()[1]["Name"] == "again"
    assert wrote(engine.incremental()) == (0, 0)


def test_sql_edit_behind_a_failed_record_is_still_pushed(world: World) -> None:
    world.execute(sa.schema.CreateIndex(sa.Index("one_name", world.table.c.name, unique=True)))
    engine = world.ready(conflict="merge:sql")
    world.edit(1, Name="n2")
    assert engine.incremental().failed == 1
    world.update(2, name="free")
    world.update(1, qty=55)
    due(world)
    for _ in range(3):
        engine.incremental()
        due(world)
    assert (world.by_code()[1]["Qty"], world.rows()[1]["name"]) == (55, "n2")
    world.assert_in_step()


def test_refused_new_record_gets_no_duplicate_and_arrives_later(world: World) -> None:
    world.execute(sa.schema.CreateIndex(sa.Index("one_name", world.table.c.name, unique=True)))
    engine = world.ready()
    world.add(Name="n2", Code=9)
    assert engine.incremental().failed == 1
    engine.full()
    assert len(world.records()) == 4
    world.update(2, name="free")
    due(world)
    engine.incremental()
    assert world.rows()[9]["name"] == "n2"
    world.assert_in_step()


def test_restored_record_behind_the_watermark_comes_back(world: World) -> None:
    engine = world.ready(rows=5)
    table = world.emu.state.bases[world.app_token].tables[world.table_id]
    record_id = world.record_id(1)
    kept = table.records[record_id]
    world.remove(1)
    engine.incremental()
    assert 1 not in world.rows()
    # an undo in Lark brings the record back with its old modification time
    table.records[record_id] = kept
    table.revision += 1
    engine.incremental()
    assert world.rows()[1]["name"] == "n1"


def test_old_intent_on_a_date_key_is_settled_by_reading(world: World) -> None:
    world.execute("CREATE TABLE days (day DATE PRIMARY KEY, n INTEGER)")
    fields = [{"field_name": "n", "type": 2}, {"field_name": "day", "type": 5}]
    lark = world.emu.state.create_table(world.app_token, "days", fields)
    target = {"app_token": world.app_token, "table_id": lark.table_id}
    world.engine(lark=target, sql="days", fields=None).full()
    world.execute("INSERT INTO days VALUES ('2026-01-09', 1)")
    world.emu.faults.add("batch_create", action="drop_after", times=1)
    with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, max_attempts=1) as client:
        mapping = world.mapping(lark=target, sql="days", fields=None)
        with pytest.raises(OutcomeUnknown):
            SyncEngine(client, world.sql, mapping).incremental()
    world.execute("UPDATE sync_intent SET created_ms = created_ms - 7200000")
    engine = world.engine(lark=target, sql="days", fields=None)
    engine.incremental()
    assert len(world.emu.person.records(world.app_token, lark.table_id)) == 1
    assert engine.check().in_step


def test_old_intent_on_a_key_that_lark_may_not_find_is_settled_by_reading(world: World) -> None:
    world.emu.switches.odd_texts_match = False
    world.execute("CREATE TABLE notes (code VARCHAR(20) PRIMARY KEY, n INTEGER)")
    lark = world.emu.state.create_table(
        world.app_token, "notes", [{"field_name": "code", "type": 1}, {"field_name": "n", "type": 2}]
    )
    target = {"app_token": world.app_token, "table_id": lark.table_id}
    world.engine(lark=target, sql="notes", fields=None).full()
    world.execute("INSERT INTO notes VALUES (:code, 1)", {"code": "two\nlines"})
    world.emu.faults.add("batch_create", action="drop_after", times=1)
    with LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, max_attempts=1) as client:
        mapping = world.mapping(lark=target, sql="notes", fields=None)
        with pytest.raises(OutcomeUnknown):
            SyncEngine(client, world.sql, mapping).incremental()
    world.execute("UPDATE sync_intent SET created_ms = created_ms - 7200000")
    report = world.engine(lark=target, sql="notes", fields=None).incremental()
    assert report.to_lark.created == 1
    assert len(world.emu.person.records(world.app_token, lark.table_id)) == 1


def test_changed_type_of_a_field_does_not_empty_the_column(world: World) -> None:
    engine = world.ready()
    world.emu.person.change_type(world.app_token, world.table_id, "Qty", {"field_name": "Qty", "type": 1})
    engine.incremental()
    engine.full()
    assert [int(row["qty"]) for row in world.rows().values()] == [1, 2, 3]
    assert world.by_code()[1]["Qty"] == "1"


def test_waiting_conflict_and_blacklisted_edit_cost_an_idle_run_nothing(world: World) -> None:
    engine = world.ready(rows=600, conflict="manual")
    world.update(5, name="sql")
    world.edit(5, Name="lark")
    world.execute("INSERT INTO sync_blacklist (record_id, reason) VALUES ('6', 'if that worker has died')")
    world.edit(6, Name="if that worker has died")
    engine.incremental()
    logged = world.ask("SELECT count(*) FROM sync_log")
    assert engine.incremental().api_calls == {"fields": 1, "search": 1, "total": 2}
    assert world.ask("SELECT count(*) FROM sync_log") == logged


def test_value_that_the_driver_cannot_load_poisons_its_own_row_only(world: World) -> None:
    if world.sql.dialect.name == "mysql":
        pytest.skip("MySQL's driver loads whatever a column can hold")
    kind, bad = (
        ("TIMESTAMPTZ", "'infinity'") if world.sql.dialect.name == "postgresql" else ("TEXT", "CAST(x'ff41' AS TEXT)")
    )
    world.execute(f"CREATE TABLE odd (id INTEGER PRIMARY KEY, at {kind}, n INTEGER)")
    world.execute("INSERT INTO odd (id, n) VALUES (1, 1), (2, 2), (3, 3)")
    at = 5 if kind == "TIMESTAMPTZ" else 1
    fields = [{"field_name": "id", "type": 2}, {"field_name": "at", "type": at}, {"field_name": "n", "type": 2}]
    lark = world.emu.state.create_table(world.app_token, "odd", fields)
    engine = world.engine(lark={"app_token": world.app_token, "table_id": lark.table_id}, sql="odd", fields=None)
    engine.full()
    world.execute(f"UPDATE odd SET at = {bad} WHERE id = 2")
    world.execute("UPDATE odd SET n = 9 WHERE id = 3")
    report = engine.incremental()
    assert (report.to_lark.updated, report.failed) == (1, 1)
    assert "row '2': the database driver cannot read one of its values" in report.problems[0]
    assert engine.full().status == "partial"
    world.execute("UPDATE odd SET at = NULL, n = 8 WHERE id = 2")
    due(world)
    engine.incremental()
    assert engine.check().in_step


def test_key_that_the_database_hands_out_again_makes_no_second_record(world: World) -> None:
    engine = world.ready(rows=3)
    # SQLite gives the highest key of a deleted row to the next one; the record of row 3 is still in Lark
    world.delete(3)
    world.add(Name="no key")
    for _ in range(3):
        engine.incremental()
        due(world)
    world.assert_in_step()
    assert sorted(row["name"] for row in world.rows().values()) == ["n1", "n2", "no key"]
