"""What changes on one side reaches the other, once, at the least cost."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.errors import LeaseHeld
from airflow_provider_lark.core.ledger.lease import Lease
from tests.sync.world import World, wrote


def test_full_creates_records_in_batches_and_idle_costs_one_search(world: World) -> None:
    world.insert(*({"code": n, "name": f"n{n}"} for n in range(1, 2101)))
    engine = world.engine()
    setup = engine.setup()
    assert setup.created == ["field 'Last modified' in Lark", "triggers on people"]
    report = engine.full()
    # 1000 + 1000 + 100; one search of the empty table, then 100 + 1000 echoes and one of the first batch
    assert report.api_calls == {"search": 4, "create": 3, "total": 7}
    assert (report.to_lark.created, report.failed) == (2100, 0)
    world.assert_in_step()
    idle = engine.incremental()
    assert (idle.api_calls, wrote(idle)) == ({"fields": 1, "search": 1, "total": 2}, (0, 0))


def test_incremental_carries_sql_changes_to_lark(world: World) -> None:
    engine = world.ready()
    world.insert({"code": 9, "name": "new", "qty": 1.5, "done": True})
    world.update(1, name="edited")
    world.delete(2)
    report = engine.incremental()
    assert (report.to_lark.created, report.to_lark.updated, report.to_lark.deleted) == (1, 1, 1)
    assert wrote(report)[0] == 0
    world.assert_in_step()
    assert world.by_code()[1]["Name"] == "edited"
    assert wrote(engine.incremental()) == (0, 0)


def test_incremental_carries_lark_changes_to_sql(world: World) -> None:
    engine = world.ready()
    world.edit(1, Name="by hand", Qty=None, Done=True)
    world.add(Name="added", Code=50, Qty=2)
    world.remove(2)
    report = engine.incremental()
    assert (report.to_sql.created, report.to_sql.updated, report.to_sql.deleted) == (1, 1, 1)
    world.assert_in_step()
    assert world.rows()[1]["name"] == "by hand"
    assert wrote(engine.incremental()) == (0, 0)


def test_record_without_key_gets_its_row_and_the_generated_key_back(world: World) -> None:
    engine = world.ready()
    world.add(Name="no key")
    report = engine.incremental()
    assert (report.to_sql.created, report.to_lark.updated) == (1, 1)
    world.assert_in_step()
    assert wrote(engine.incremental()) == (0, 0)


def test_full_matches_existing_rows_by_key_before_creating(world: World) -> None:
    world.insert({"code": 1, "name": "same"}, {"code": 2, "name": "sql only", "qty": 5})
    world.add(Name="same", Code=1)
    world.add(Name="lark only", Code=3)
    report = world.engine().full()
    assert (report.to_lark.created, report.to_sql.created) == (1, 1)
    assert report.rows_sql == 2
    world.assert_in_step()
    assert world.engine().full().rows_sql == 3


def test_full_finds_changes_of_which_no_trigger_told(world: World) -> None:
    engine = world.ready()
    engine.incremental()
    world.execute("DELETE FROM sync_queue")
    world.update(1, name="quiet")
    world.delete(3)
    world.execute("DELETE FROM sync_queue")
    assert wrote(engine.incremental()) == (0, 0)
    assert not engine.check().in_step
    report = engine.full()
    assert (report.to_lark.updated, report.to_lark.deleted) == (1, 1)
    world.assert_in_step()
    assert engine.check().in_step


def test_update_is_a_patch_of_the_changed_fields_only(world: World) -> None:
    engine = world.ready()
    world.update(1, qty=77)
    # the window that Lark leaves: a person edits another field after our pull
    world.emu.faults.clear()
    engine.incremental()
    sent = [entry for entry in world.emu.log if "batch_update" in entry.path]
    assert sent[-1].n_records == 1
    world.assert_in_step()


def test_first_incremental_is_a_full_sync(world: World) -> None:
    world.insert({"code": 1, "name": "a"})
    report = world.engine().incremental()
    assert report.to_lark.created == 1
    world.assert_in_step()


def test_composite_key_pairs_rows(world: World) -> None:
    world.execute(
        "CREATE TABLE stock (shop VARCHAR(10) NOT NULL, item INTEGER NOT NULL, n INTEGER, PRIMARY KEY (shop, item))"
    )
    world.execute("INSERT INTO stock VALUES ('a', 1, 10), ('a', 2, 20), ('ä\"', 1, 30)")
    table = world.emu.state.create_table(
        world.app_token,
        "stock",
        [{"field_name": "shop", "type": 1}, {"field_name": "item", "type": 2}, {"field_name": "n", "type": 2}],
    )
    changes = {
        "lark": {"app_token": world.app_token, "table_id": table.table_id},
        "sql": {"table": "stock"},
        "fields": None,
    }
    engine = world.engine(**changes)
    assert engine.full().to_lark.created == 3
    world.execute("UPDATE stock SET n = 31 WHERE shop = 'ä\"'")
    world.execute("DELETE FROM stock WHERE shop = 'a' AND item = 2")
    record = world.emu.person.add_record(world.app_token, table.table_id, {"shop": "b", "item": 7})
    report = engine.incremental()
    assert (report.to_lark.updated, report.to_lark.deleted, report.to_sql.created, report.failed) == (1, 1, 1, 0)
    assert record
    assert engine.check().in_step
    assert wrote(engine.incremental()) == (0, 0)


def test_second_worker_is_turned_away_while_the_first_writes(world: World) -> None:
    engine = world.ready()
    resource = f"{world.app_token}/{world.table_id}"
    with write_transaction(world.sql) as conn:
        assert Lease(conn, resource, "another host#1#x").acquire(60)
    with pytest.raises(LeaseHeld, match=r"another worker \(another host#1#x\) is writing"):
        engine.incremental()


def test_lease_of_a_dead_process_here_is_taken_over(world: World) -> None:
    from airflow_provider_lark.core.process_names import process_name

    engine = world.ready()
    place, _, nonce = process_name("x").rsplit("#", 2)
    with write_transaction(world.sql) as conn:
        Lease(conn, f"{world.app_token}/{world.table_id}", f"{place}#4194999#{nonce}").acquire(60)
    assert engine.incremental().status == "ok"


def test_record_id_is_kept_in_the_named_column(world: World) -> None:
    world.add(Name="n2", Code=2, Qty=2, Done=False)
    engine = world.ready(record_id_column="lark_id")
    world.add(Name="by hand", Code=40)
    engine.incremental()
    ids = {code: record["id"] for code, record in world.by_code().items()}
    assert {code: row["lark_id"] for code, row in world.rows().items()} == ids
    assert wrote(engine.incremental()) == (0, 0)
