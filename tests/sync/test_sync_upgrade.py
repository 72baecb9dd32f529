"""A ledger of an earlier version, with a sync behind it: the next run upgrades it and goes on as if nothing were."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from airflow_provider_lark.core.ledger import migrate, tables
from tests.databases import EngineOf
from tests.sync.world import World, wrote

SCRIPTS = "airflow_provider_lark.core.ledger:migrations"


def go_to(engine: Engine, version: str) -> None:
    """Bring a ledger to an earlier or a later version."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with engine.begin() as conn:
        config.attributes["options"] = {
            "connection": conn,
            "target_metadata": tables.metadata,
            "version_table": migrate.VERSION_TABLE,
        }
        is_older = version < (migrate.current_version(conn) or "")
        (command.downgrade if is_older else command.upgrade)(config, version)


def versions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return sorted(each.revision for each in ScriptDirectory.from_config(config).walk_revisions())


def test_sync_of_version_0_1_0_goes_on_after_the_upgrade(world: World) -> None:
    """Item 9: pairs, base values, waiting entries and the watermark of 0.1.0 are used by today's run."""
    engine = world.ready(30)
    world.update(1, name="waits")
    go_to(world.sql, versions()[0])
    world.update(2, name="captured meanwhile")
    world.edit(3, Name="lark")
    world.delete(4)
    report = engine.incremental()
    with world.sql.connect() as conn:
        assert migrate.current_version(conn) == migrate.HEAD
    assert (report.operation, report.to_lark.updated, report.to_lark.deleted) == ("incremental", 2, 1)
    assert (report.to_sql.updated, report.conflicts, report.to_lark.created) == (1, 0, 0)
    assert wrote(world.engine().full()) == (0, 0)
    world.assert_in_step()


LINES = {
    "sync_record_map": "(record_id, table_name, lark_record_id, base) VALUES ('{v}', 't', 'rec{v}', '{{}}')",
    "sync_queue": "(table_name, record_id, status) VALUES ('t', '{v}', 'failed')",
    "sync_blacklist": "(record_id, reason) VALUES ('{v}', 'why')",
    "sync_conflict": "(table_name, record_id, policy) VALUES ('t', '{v}', 'manual')",
    "sync_log": "(table_name, record_id, direction, operation, status) VALUES ('t', '{v}', 'both', 'U', 'applied')",
    "sync_checkpoint": "(table_name, boundary, app_token, table_id, fields) VALUES ('{v}', '[]', 'a', 'b', '[]')",
    "sync_intent": "(client_token, table_name, record_ids, payload, created_ms) VALUES ('{v}', 't', '[]', '[]', 1)",
}


def test_ledger_of_each_version_keeps_its_lines(engine: Engine, new_database: EngineOf) -> None:
    found = new_database(engine.dialect.name)
    for version in versions():
        go_to(found, version)
        with found.begin() as conn:
            for name, line in LINES.items():
                statement = f"INSERT INTO {name} {line.format(v=version)}"
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
    assert versions()[-1] == migrate.HEAD
    with found.connect() as conn:
        for name in LINES:
            assert conn.scalar(text(f"SELECT COUNT(*) FROM {name}")) == len(versions()), name
