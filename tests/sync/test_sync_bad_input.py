"""Bad input gets an error that says what, where and what to do, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import AccessDenied, ConfigError, NotAuthorized, NotFound, SchemaMismatch
from tests.sync.world import PAIRS, World, wrote


def test_wrong_app_secret_names_the_app_and_not_the_secret(world: World) -> None:
    with LarkClient(world.emu.app_id, "canary-secret", world.emu.url) as client:
        engine = SyncEngine(client, world.sql, world.mapping())
        with pytest.raises(NotAuthorized, match="cli_emulator") as caught:
            engine.setup()
    assert "canary-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param(
            {"fields": {**PAIRS, "Nmae": "lark_id"}},
            SchemaMismatch,
            "field 'Nmae' does not exist; did you mean 'Name'",
            id="field",
        ),
        pytest.param(
            {"fields": {"Name": "nmae", "Code": "code"}},
            SchemaMismatch,
            "the SQL table has no column 'nmae'; did you mean 'name'",
            id="column",
        ),
        pytest.param(
            {"sql": {"table": "poeple"}},
            SchemaMismatch,
            "'poeple' does not exist; did you mean 'people'",
            id="sql table",
        ),
        pytest.param(
            {"fields": {"Name": "name"}}, SchemaMismatch, "key column 'code' is not mapped", id="key not mapped"
        ),
        pytest.param({"deletes": "soft:nope"}, SchemaMismatch, "has no column 'nope'", id="soft column"),
        pytest.param(
            {"deletes": "soft:name"}, ConfigError, "column 'name' is also mapped to a field", id="soft column is bound"
        ),
        pytest.param(
            {"sql": {"table": "people", "key": ["qty"]}},
            SchemaMismatch,
            "is not unique",
            id="key not unique",
        ),
    ],
)
def test_mapping_that_does_not_fit_changes_nothing(world: World, changes: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        world.engine(**changes).setup()
    assert "Last modified" not in world.emu.person.fields(world.app_token, world.table_id)


def test_field_and_column_that_do_not_fit_name_both_types(world: World) -> None:
    world.emu.person.add_field(world.app_token, world.table_id, {"field_name": "Files", "type": 17})
    with pytest.raises(SchemaMismatch, match=r"Files \(Attachment\) and column qty \(\w+\(10, 2\)\) are incompatible"):
        world.engine(fields={"Files": "qty", "Code": "code"}).setup()


def test_unknown_lark_table_lists_what_is_there(world: World) -> None:
    target = {"app_token": world.app_token, "table": "poeple"}
    with pytest.raises(NotFound, match=r"no table named 'poeple'; its tables: .*people"):
        world.engine(lark=target).setup()


def test_wiki_token_in_place_of_an_app_token_says_so(world: World) -> None:
    with pytest.raises(NotFound, match="91402") as caught:
        world.engine(lark={"app_token": "wikcnNoSuchBase", "table_id": world.table_id}).setup()
    assert "wiki" in str(caught.value)


def test_app_that_was_not_added_to_the_document_says_how(world: World) -> None:
    world.emu.faults.add("fields", code=91403, status=403)
    with pytest.raises(AccessDenied, match="91403") as caught:
        world.engine().setup()
    assert "document" in str(caught.value)


def test_sql_table_without_a_key_asks_for_one(world: World) -> None:
    world.execute("CREATE TABLE loose (code INTEGER, name VARCHAR(20))")
    with pytest.raises(SchemaMismatch, match=r"no primary key; list the columns .* under key:"):
        world.engine(sql={"table": "loose"}, fields={"Code": "code", "Name": "name"}).setup()


def test_read_only_field_as_a_target_is_refused(world: World) -> None:
    world.emu.person.add_field(world.app_token, world.table_id, {"field_name": "Nr", "type": 1005})
    pairs = [*({"field": k, "column": v} for k, v in PAIRS.items()), {"field": "Nr", "column": "lark_id"}]
    with pytest.raises(SchemaMismatch, match=r"Nr \(AutoNumber\) is read-only in Lark and cannot be written"):
        world.engine(direction="to_lark", fields=pairs).setup()
    # in a two-way mapping it flows one way
    engine = world.engine(fields=pairs)
    world.add(Name="a", Code=1)
    assert wrote(engine.full()) == (1, 0)
    assert world.rows()[1]["lark_id"] == "1"
    assert wrote(engine.incremental()) == (0, 0)


def test_text_too_long_for_its_column_fails_and_the_others_land(world: World) -> None:
    engine = world.ready()
    world.edit(1, Name="x" * 21)
    world.edit(2, Name="fits")
    report = engine.incremental()
    assert (report.status, report.failed, report.to_sql.updated) == ("partial", 1, 1)
    (problem,) = report.problems
    assert all(part in problem for part in ("'1'", "Name", "name", "20"))
    assert "xxx" not in problem
    ((key, status, text),) = world.ask(
        "SELECT record_id, status, error_message FROM sync_queue WHERE operation = 'PULL'"
    )
    assert (key, status, "xxx" in text) == ("1", "failed", False)
    # it is not tried, logged or paid for again until somebody edits it
    idle = engine.incremental()
    assert (idle.failed, idle.api_calls["search"]) == (0, 1)
    world.edit(1, Name="short")
    assert engine.incremental().status == "ok"
    world.assert_in_step()
    assert world.ask("SELECT count(*) FROM sync_queue WHERE status = 'failed'")[0][0] == 0


def test_two_records_with_one_key_are_told_and_the_first_stays(world: World) -> None:
    engine = world.ready()
    first = world.record_id(1)
    world.add(Name="copy", Code=1)
    report = engine.incremental()
    assert (report.failed, world.rows()[1]["name"]) == (1, "n1")
    assert f"has the key '1', which already belongs to record {first}" in report.problems[0]
    assert engine.incremental().api_calls["search"] == 1


def test_new_record_refused_by_the_database_is_tried_again(world: World) -> None:
    world.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    engine = world.ready()
    if world.sql.dialect.name == "sqlite":
        world.execute(
            "CREATE TRIGGER guard BEFORE INSERT ON people WHEN NEW.code = 8 AND NOT EXISTS (SELECT 1 FROM parent) "
            "BEGIN SELECT RAISE(ABORT, 'no parent'); END"
        )
    else:
        world.execute("ALTER TABLE people ADD COLUMN parent_id INTEGER")
        world.execute("ALTER TABLE people ADD CONSTRAINT fk CHECK (name <> 'child')")
    world.add(Name="child", Code=8)
    world.add(Name="other", Code=9)
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (1, 1)
    assert "the database rejected the row" in report.problems[0]
    if world.sql.dialect.name == "sqlite":
        world.execute("INSERT INTO parent VALUES (1)")
    else:
        world.execute("ALTER TABLE people DROP CONSTRAINT fk")
    world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")
    assert engine.incremental().to_sql.created == 1
    world.assert_in_step()


def test_renamed_field_is_followed_by_its_id(world: World) -> None:
    engine = world.ready()
    world.emu.person.rename_field(world.app_token, world.table_id, "Qty", "数量")
    world.update(1, qty=99)
    report = engine.incremental()
    assert (report.status, report.to_lark.updated) == ("ok", 1)
    assert world.by_code()[1]["数量"] == 99


def test_deleted_field_with_a_new_one_of_its_name_does_not_empty_the_column(world: World) -> None:
    engine = world.ready()
    world.emu.person.delete_field(world.app_token, world.table_id, "Qty")
    with pytest.raises(SchemaMismatch, match="field 'Qty' does not exist"):
        engine.incremental()
    world.emu.person.add_field(world.app_token, world.table_id, {"field_name": "Qty", "type": 2})
    with pytest.raises(SchemaMismatch, match=r"was deleted in Lark.*adopt_fields=True"):
        engine.incremental()
    assert int(world.rows()[1]["qty"]) == 1
    engine.setup(adopt_fields=True)
    engine.full()
    world.assert_in_step()
    assert int(world.rows()[1]["qty"]) == 1


def test_new_column_set_reinstalls_the_triggers(world: World) -> None:
    engine = world.ready()
    pairs = {**PAIRS, "Tel": "lark_id"}
    world.emu.person.add_field(world.app_token, world.table_id, {"field_name": "Tel", "type": 1})
    wider = world.engine(fields=pairs)
    report = wider.full()
    assert any("triggers on people" in warning for warning in report.warnings)
    world.update(1, lark_id="123")
    assert wider.incremental().to_lark.updated == 1
    assert world.by_code()[1]["Tel"] == "123"
    assert engine


def test_other_bitable_table_for_the_same_sql_table_is_refused(world: World) -> None:
    world.ready()
    other = world.emu.state.create_table(world.app_token, "other", [{"field_name": "Name", "type": 1}])
    with pytest.raises(SchemaMismatch, match="is already paired with another Bitable table"):
        world.engine(lark={"app_token": world.app_token, "table_id": other.table_id}).full()


def test_uninstall_removes_triggers_and_state_and_keeps_the_rows(world: World) -> None:
    engine = world.ready()
    engine.uninstall()
    world.update(1, name="unseen")
    assert world.ask("SELECT count(*) FROM sync_queue")[0][0] == 0
    assert (len(world.rows()), len(world.records())) == (3, 3)


def test_renamed_field_is_followed_where_equal_names_are_paired(world: World) -> None:
    world.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, n INTEGER)")
    fields = [{"field_name": "id", "type": 2}, {"field_name": "n", "type": 2}]
    lark = world.emu.state.create_table(world.app_token, "plain", fields)
    target = {"app_token": world.app_token, "table_id": lark.table_id}
    engine = world.engine(lark=target, sql="plain", fields=None)
    world.execute("INSERT INTO plain VALUES (1, 1)")
    engine.full()
    world.emu.person.rename_field(world.app_token, lark.table_id, "n", "number")
    world.execute("UPDATE plain SET n = 2")
    assert engine.incremental().to_lark.updated == 1


def test_triggers_alone_can_be_taken_off_for_a_change_of_columns(world: World) -> None:
    engine = world.ready()
    engine.uninstall(keep_state=True)
    world.execute("ALTER TABLE people ADD COLUMN note VARCHAR(9)")
    world.update(1, name="unseen")
    report = engine.full()
    assert (report.to_lark.updated, report.to_lark.created) == (1, 0)
    assert any("this run finds changes made in the meantime" in warning for warning in report.warnings)
    world.update(1, name="seen")
    assert engine.incremental().to_lark.updated == 1
