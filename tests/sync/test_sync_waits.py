"""Other programs hold locks: nobody waits without an end, and nobody queues behind us."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.database.connections import with_lock_seconds
from airflow_provider_lark.core.errors import DatabaseBusy, LeaseHeld
from airflow_provider_lark.core.ledger.lease import Lease
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace
from tests.sync.shop import GOODS, Shop

SERVERS = ("postgresql", "mysql")
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    "AND datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND (state LIKE 'Waiting for%' "
    "OR id IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'))",
}


@contextmanager
def held(engine: Engine, *statements: str) -> Iterator[Connection]:
    """Leave a transaction open, as a person's console does, until the block ends or rolls it back."""
    with engine.connect() as conn:
        conn.execution_options(isolation_level="READ COMMITTED")
        for statement in statements:
            conn.execute(text(statement)).close()
        yield conn
        conn.rollback()


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Run *work* beside the block; give the error it ended with."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - the test looks at it
            errors.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield errors
    finally:
        thread.join()


def wait_until_blocked(engine: Engine) -> None:
    pause = threading.Event()
    for _ in range(300):
        with engine.connect() as conn:
            if conn.scalar(text(WAITING[engine.dialect.name])):
                return
        pause.wait(0.15)  # MariaDB shows again what it showed a tenth of a second before
    raise AssertionError("nobody waits")


@pytest.fixture(params=SERVERS)
def shop(request: pytest.FixtureRequest, open_shop) -> Shop:
    shop = open_shop(request.param, GOODS)
    shop.execute("INSERT INTO goods VALUES (1, 'one', 1), (2, 'two', 2)")
    shop.engine().full()
    return shop


def test_row_that_a_person_has_locked_ends_the_run_and_names_the_holder(shop):
    shop.emu.person.edit_record(shop.app_token, shop.table_id, shop.record_of(1), {"Name": "eins"})
    with held(shop.sql, "UPDATE goods SET qty = 9 WHERE code = 1"), pytest.raises(DatabaseBusy) as caught:
        shop.engine(lock_wait_seconds=1).incremental()
    assert "locked by another program for 1 s" in str(caught.value)
    user = "postgres" if shop.sql.dialect.name == "postgresql" else "root"
    assert f"({user}" in str(caught.value)
    assert "transaction open for" in str(caught.value)
    shop.engine().incremental()
    assert shop.rows()[1] == "eins"


def test_second_run_does_not_wait_for_the_lock_that_the_first_one_waits_for(shop):
    shop.emu.person.edit_record(shop.app_token, shop.table_id, shop.record_of(1), {"Name": "eins"})
    first, second = shop.engine(lock_wait_seconds=60), shop.engine()
    with held(shop.sql, "UPDATE goods SET qty = 9 WHERE code = 1") as lock, beside(first.incremental) as errors:
        wait_until_blocked(shop.sql)
        with pytest.raises(LeaseHeld, match="another worker"):
            second.incremental()
        assert not errors, "the first run was to be waiting still"
        lock.rollback()
    assert not errors


def test_triggers_are_not_installed_over_a_transaction_that_is_left_open(shop):
    shop.engine().uninstall(keep_state=True)
    setup = shop.engine(lock_wait_seconds=1).setup
    with held(shop.sql, "UPDATE goods SET qty = 9 WHERE code = 1"), beside(setup) as errors:
        wait_until_blocked(shop.sql)
        # before, this waited until the person's transaction ended
        shop.execute("UPDATE goods SET qty = 7 WHERE code = 2")
    assert [type(error) for error in errors] == [DatabaseBusy]
    assert "transaction open for" in str(errors[0])
    shop.engine().full()
    assert shop.lark("Qty")[2] == 7


def test_triggers_are_installed_once_the_others_have_had_their_turn(shop, monkeypatch):
    from airflow_provider_lark.core.database import table_locks

    monkeypatch.setattr(table_locks, "PAUSE_SECONDS", 0.01)
    shop.engine().uninstall(keep_state=True)
    setup = shop.engine(lock_wait_seconds=60).setup
    with held(shop.sql, "UPDATE goods SET qty = 9 WHERE code = 1") as lock, beside(setup) as errors:
        wait_until_blocked(shop.sql)
        lock.rollback()
    assert not errors
    shop.execute("UPDATE goods SET qty = 7 WHERE code = 2")
    shop.engine().incremental()
    assert shop.lark("Qty")[2] == 7


def test_sqlite_that_another_program_writes_to_ends_the_run(open_shop):
    shop = open_shop("sqlite", GOODS)
    shop.engine().full()
    with shop.sql.connect() as conn:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match=r"locked by another program for 0\.05 s.*SQLite does not report which"):
            shop.engine(lock_wait_seconds=0.05).incremental()
        conn.exec_driver_sql("ROLLBACK")


def test_process_whose_release_failed_is_not_locked_out(shop, monkeypatch, caplog):
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseBusy("locked")

    with monkeypatch.context() as patch:
        patch.setattr(Lease, "release", fail)
        assert shop.engine().incremental().status == "ok"
    assert "could not be released (DatabaseBusy)" in caplog.text
    assert shop.engine().incremental().status == "ok"


def test_transfer_that_replaces_rows_keeps_no_writer_waiting(open_shop):
    shop = open_shop("postgresql", GOODS)
    shop.execute("INSERT INTO goods VALUES (1, 'one', 1), (2, 'two', 2)")
    shop.add(Code=3, Name="three", Qty=3)

    def replace() -> None:
        address = TableAddress(app_token=shop.app_token, table_id=shop.table_id)
        place = TargetPlace("goods", key_fields=("Code",), record_id_column="")
        options = DumpOptions(mode="replace", fields={"Code": "code", "Name": "name", "Qty": "qty"})
        copy_to_sql(shop.client, with_lock_seconds(shop.sql, 1), address, place, options)

    with held(shop.sql, "UPDATE goods SET qty = 9 WHERE code = 1"), beside(replace) as errors:
        wait_until_blocked(shop.sql)
        # before, this waited until the person's transaction ended
        shop.execute("UPDATE goods SET qty = 7 WHERE code = 2")
    assert [type(error) for error in errors] == [DatabaseBusy]
    assert shop.rows() == {1: "one", 2: "two"}
    replace()
    assert shop.rows() == {3: "three"}
