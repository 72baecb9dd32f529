"""The ways of capture beside each other: late commits, rights, a change from one way to another, plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import SyncEngine, capture
from airflow_provider_lark.core.sql_side.reflection import TableSpec, reflect_table
from airflow_provider_lark.core.sync.doctor import examine_mapping
from tests.clocks import wait_until
from tests.sync.conftest import MakePlain
from tests.sync.plain import Plain
from tests.sync.stock import BY_COLUMN, ddl, entries, filled, keep_up, names, read_so_far, waiting
from tests.sync.world import wrote

SERVERS = ["postgresql", "mysql"]


@pytest.fixture
def stock(engine: Engine, plain: MakePlain) -> Plain:
    return keep_up(plain(ddl(engine.dialect.name), {"name": 1}, time_zone="UTC"))


def triggers(stock: Plain) -> set[str]:
    with stock.sql.connect() as conn:
        table = reflect_table(conn, stock.table)
        return capture.installed(conn, TableSpec(stock.table, None, (), (), table))


@pytest.mark.parametrize("engine", SERVERS, indirect=True)
def test_transaction_that_commits_late_is_found_and_one_that_stays_open_is_named(stock: Plain) -> None:
    """O38: A writes and stays open, B writes later and commits, a run, A commits, a run."""
    sync = filled(stock, 3, capture_overlap_seconds=0)
    with stock.sql.connect() as late:
        late.execute(text("UPDATE stock SET name = 'late' WHERE id = 1"))
        stock.run("UPDATE stock SET name = 'soon' WHERE id = 2")
        # InnoDB shows what it showed before, to everybody, until nobody has asked for a tenth of a second
        wait_until(lambda: _open_seconds(stock) > 1, pause_seconds=0.35)
        report = sync.incremental()
        assert (names(stock)[1], names(stock)[2]) == ("n1", "soon")
        [warning] = report.warnings
        assert "longer than capture_overlap_seconds" in warning
        assert ("process" if stock.sql.dialect.name == "postgresql" else "connection") in warning
        stock.run("UPDATE stock SET name = 'later' WHERE id = 3")
        sync.incremental()
        late.commit()
    assert wrote(sync.incremental()) == (0, 1)
    assert names(stock) == {1: "late", 2: "soon", 3: "later"}
    wait_until(lambda: _open_seconds(stock) == 0, pause_seconds=0.35)
    report = sync.incremental()
    assert (wrote(report), report.warnings, entries(stock)) == ((0, 0), [], 3)


def _open_seconds(stock: Plain) -> float:
    if stock.sql.dialect.name == "mysql":
        asks = "SELECT MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())) FROM information_schema.INNODB_TRX"
        return float(stock.ask(f"{asks} WHERE trx_rows_modified > 0")[0][0] or 0)
    asks = "SELECT EXTRACT(EPOCH FROM clock_timestamp() - min(xact_start)) FROM pg_stat_activity"
    return float(stock.ask(f"{asks} WHERE datname = current_database() AND backend_xid IS NOT NULL")[0][0] or 0)


@pytest.fixture
def poor(stock: Plain) -> Iterator[Engine]:
    """Give a session of a user who may read and write, and neither make triggers nor look at others' transactions."""
    database, user = stock.sql.url.database, "lark_poor"
    if stock.sql.dialect.name == "mysql":
        user = f"lark_poor_{str(database)[-12:]}"
        stock.run(
            f"CREATE USER '{user}'@'%' IDENTIFIED BY 'poor-Secret-1'",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO '{user}'@'%'",
        )
        engine = create_engine(stock.sql.url.set(username=user, password="poor-Secret-1"), poolclass=NullPool)
        yield engine
        stock.run(f"DROP USER '{user}'@'%'")
        return
    user = f"lark_poor_{str(database)[-12:]}"
    stock.run(
        f"CREATE ROLE {user} LOGIN PASSWORD 'poor-Secret-1'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}",
    )
    yield create_engine(stock.sql.url.set(username=user, password="poor-Secret-1"), poolclass=NullPool)
    stock.run(f"DROP OWNED BY {user}", f"DROP ROLE {user}")


@pytest.mark.parametrize("engine", SERVERS, indirect=True)
def test_user_who_may_not_make_triggers_syncs_and_is_told_of_no_one(stock: Plain, poor: Engine) -> None:
    stock.run("INSERT INTO stock (id, name) VALUES (1, 'one'), (2, 'two')")
    sync = SyncEngine(stock.client, poor, stock.mapping(capture=BY_COLUMN, capture_overlap_seconds=0))
    assert sync.setup().warnings == []
    sync.full()
    with stock.sql.connect() as late:
        late.execute(text("UPDATE stock SET name = 'late' WHERE id = 1"))
        stock.run("UPDATE stock SET name = 'soon' WHERE id = 2")
        report = sync.incremental()
        assert (wrote(report), report.warnings) == ((0, 1), [])
        late.commit()
    # nobody tells of it with this little overlap; what a run misses, a full sync finds
    sync.incremental()
    sync.full()
    assert names(stock) == {1: "late", 2: "soon"}
    found = examine_mapping(stock.client, poor, sync.mapping, clock=sync.clock)
    assert [each.detail for each in found if each.check == "capture"] == [
        "column:changed; deletes in SQL wait for the next full sync"
    ]


def test_way_of_capture_may_change_and_nothing_is_lost_between(stock: Plain) -> None:
    filled(stock, 4, capture="trigger")
    assert triggers(stock)
    stock.run("UPDATE stock SET name = 'noted' WHERE id = 1")
    by_column = stock.engine(capture=BY_COLUMN)
    [warning] = by_column.setup().warnings
    assert warning == "changes of stock are captured by column:changed from now on; the triggers were dropped"
    # long ago, as far as the column tells: the first look takes all rows
    stock.run("UPDATE stock SET name = 'between', changed = '2026-01-01 00:00:00.000' WHERE id = 2")
    assert triggers(stock) == set()
    assert wrote(by_column.incremental()) == (0, 2)
    assert wrote(by_column.incremental()) == (0, 0)
    by_scan = stock.engine(capture="scan")
    stock.run("UPDATE stock SET name = 'scanned' WHERE id = 3")
    assert wrote(by_scan.incremental()) == (0, 1)
    stock.run("UPDATE stock SET name = 'again' WHERE id = 3", "DELETE FROM stock WHERE id = 4")
    back = stock.engine(capture="trigger")
    report = back.incremental()
    assert ["captured by triggers from now on, no longer by scan" in each for each in report.warnings] == [True]
    assert triggers(stock)
    assert names(stock) == {1: "noted", 2: "between", 3: "again"}
    stock.run("UPDATE stock SET name = 'triggered' WHERE id = 1")
    report = back.incremental()
    assert (wrote(report), report.warnings, waiting(stock)) == ((0, 1), [], [])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", [BY_COLUMN, "scan"])
def test_plan_foresees_what_a_run_finds_and_writes_nothing(stock: Plain, way: str) -> None:
    sync = filled(stock, 5, capture=way)
    stock.run("UPDATE stock SET name = 'program' WHERE id = 1", "INSERT INTO stock (id, name) VALUES (9, 'new')")
    stock.run("DELETE FROM stock WHERE id = 5")
    stock.edit(2, name="person")
    before = read_so_far(stock)
    with sync.plan() as plan:
        told = sorted((each.side, each.kind, each.key) for each in plan.actions())
        gone = [("lark", "delete", "5")] if way == "scan" else []
        assert told == sorted([("lark", "create", "9"), ("lark", "update", "1"), ("sql", "update", "2"), *gone])
        assert (entries(stock), read_so_far(stock)) == (0, before)
        report = sync.apply(plan)
        assert (report.changed, wrote(report)) == (0, (1, 2 + len(gone)))
    with sync.plan() as plan:
        assert list(plan.actions()) == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_plan_foresees_a_change_of_the_way_of_capture(stock: Plain) -> None:
    filled(stock, 3, capture="trigger")
    to_column, back = stock.engine(capture=BY_COLUMN), stock.engine(capture="trigger")
    with to_column.plan() as plan:
        [action] = plan.actions()
        assert (action.side, action.key) == ("setup", "capture by column:changed")
    to_column.incremental()
    # no trigger sees it, and the run is a full one
    stock.run("DELETE FROM stock WHERE id = 3")
    with back.plan() as plan:
        assert {(each.side, each.kind, each.key) for each in plan.actions()} == {
            ("setup", "make", "triggers on stock"),
            ("lark", "delete", "3"),
        }
    assert back.incremental().to_lark.deleted == 1


@pytest.mark.parametrize("engine", SERVERS, indirect=True)
def test_idle_run_asks_little_and_writes_nothing(stock: Plain, statements: list[str]) -> None:
    sync = filled(stock, 300)
    sync.incremental()
    statements.clear()
    report = sync.incremental()
    assert (report.rows_sql, report.api_calls["total"]) == (0, 2)
    reads = [each for each in statements if "FROM stock" in each.replace("\n", "")]
    # the greatest value, and what is above the mark
    assert len(reads) == 2, reads
    assert not [each for each in statements if each.startswith(("INSERT INTO sync_queue", "INSERT INTO sync_check"))]


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    from sqlalchemy import event

    told: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield told
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_number_that_grows_with_each_write_tells_of_changes_and_of_a_new_beginning(
    engine: Engine, plain: MakePlain
) -> None:
    stock = plain("CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), v bigint NOT NULL)", {"name": 1})
    stock.run("INSERT INTO stock VALUES (1, 'a', 1000), (2, 'b', 1001)")
    sync = stock.engine(capture="column:v", capture_overlap_seconds=0)
    sync.full()
    stock.run("UPDATE stock SET name = 'c', v = 1002 WHERE id = 1")
    assert wrote(sync.incremental()) == (0, 1)
    stock.run("UPDATE stock SET v = id", "UPDATE stock SET name = 'anew', v = 3 WHERE id = 2")
    assert wrote(sync.incremental()) == (0, 1)
    assert names(stock) == {1: "c", 2: "anew"}
