"""Behind PgBouncer every transaction may run on another connection of the server, shared with other programs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool, QueuePool

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace
from tests.databases import EngineOf
from tests.pgbouncer import pgbouncer
from tests.sync.shop import GOODS, Shop


@pytest.fixture(scope="module")
def bounced(ledger_database: EngineOf) -> Iterator[Callable[..., Engine]]:
    """Give engines that lead through a PgBouncer to the database of the tests."""
    made = []
    # not tmp_path, whose parents nobody else may enter
    place = Path(tempfile.mkdtemp(prefix="lark-pgbouncer-"))
    try:
        with pgbouncer(ledger_database("postgresql").url, place) as url:

            def make(**options: object) -> Engine:
                made.append(create_engine(url, **{"poolclass": NullPool, **options}))
                return made[-1]

            # three at once, so that it has three connections to hand out in turn
            with ExitStack() as stack:
                for _ in range(3):
                    stack.enter_context(make().begin()).execute(text("SELECT 1"))
            yield make
            for engine in made:
                engine.dispose()
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def shop(open_shop) -> Shop:
    shop = open_shop("postgresql", GOODS)
    shop.execute("INSERT INTO goods SELECT n, 'n' || n, n FROM generate_series(1, 20) n")
    return shop


@pytest.mark.parametrize("pool", [NullPool, QueuePool])
def test_many_runs_behind_pgbouncer_keep_both_sides_in_step(shop, bounced, pool):
    engine = bounced(poolclass=pool)
    shop.engine(engine).full()
    for round_ in range(4):
        shop.execute(f"UPDATE goods SET name = 'sql {round_}' WHERE code = 1")
        shop.emu.person.edit_record(shop.app_token, shop.table_id, shop.record_of(2), {"Name": f"lark {round_}"})
        report = shop.engine(engine).incremental()
        assert (report.status, report.to_sql.total, report.to_lark.total) == ("ok", 1, 1)
    assert shop.lark() == shop.rows()
    assert shop.engine(engine).check().in_step


def test_settings_do_not_reach_the_other_programs_behind_pgbouncer(shop, bounced):
    shop.engine(bounced()).full()
    other = bounced()
    shown = set()
    for _ in range(6):
        with other.connect() as conn:
            names = ("row_security", "lock_timeout", "lark_sync.muted", "DateStyle")
            asked = ", ".join(f"current_setting('{name}', true)" for name in names)
            shown.add(tuple(conn.execute(text(f"SELECT {asked}")).one()))
    assert {(security, timeout) for security, timeout, *_ in shown} == {("on", "0")}
    assert {muted or "" for _, _, muted, _ in shown} == {""}


@pytest.mark.parametrize("mode", ["replace", "upsert", "append"])
def test_transfer_to_sql_behind_pgbouncer_finds_what_it_collected(shop, bounced, mode):
    shop.execute("DELETE FROM goods")
    for code in range(1, 6):
        shop.add(Code=code, Name=f"n{code}", Qty=code)
    report = copy_to_sql(
        shop.client,
        bounced(),
        TableAddress(app_token=shop.app_token, table_id=shop.table_id),
        TargetPlace("goods", key_fields=("Code",), record_id_column=""),
        DumpOptions(mode=mode, fields={"Code": "code", "Name": "name", "Qty": "qty"}),
    )
    assert report.created == 5
    assert shop.rows() == {code: f"n{code}" for code in range(1, 6)}
