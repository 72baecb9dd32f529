"""Records of a Bitable table into SQL, on real databases and the emulator."""

from __future__ import annotations

import json
from datetime import datetime
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event, inspect, text

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.errors import (
    ConfigError,
    DuplicateKey,
    IncompleteRead,
    RowRefused,
    SafetyStop,
    SchemaMismatch,
    UnexpectedAnswer,
    ValueMismatch,
)
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.loading import Loading
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace
from tests.core.transfer.conftest import Lark, run_sql

MOMENT_MS = 1_777_599_000_123  # 2026-05-01 01:30:00.123 UTC


def copy(lark: Lark, engine: Engine, where: TableAddress, place: TargetPlace | str = "goods", **options: Any):
    if isinstance(place, str):
        place = TargetPlace(place)
    return copy_to_sql(lark.client, engine, where, place, DumpOptions(**options))


def counts(report: Any) -> tuple[int, ...]:
    return (report.created, report.updated, report.unchanged, report.deleted)


@pytest.fixture
def goods(lark: Lark) -> TableAddress:
    where = lark.table("goods", code=1, qty=2)
    lark.add(where, *({"code": f"C{number}", "qty": number} for number in range(1, 4)))
    return where


@pytest.fixture
def old_rows(sqlite: Engine) -> Engine:
    """A table with a row of its own, and a rule that the records may break."""
    run_sql(
        sqlite,
        "CREATE TABLE goods (lark_record_id VARCHAR(64) PRIMARY KEY, code TEXT, qty INTEGER CHECK (qty < 100))",
        "INSERT INTO goods VALUES ('old', 'OLD', 1)",
    )
    return sqlite


def codes(engine: Engine) -> list[Any]:
    return [row[0] for row in run_sql(engine, "SELECT code FROM goods ORDER BY code")]


def test_new_table_of_each_database_holds_every_type(lark, engine):
    kinds: dict[str, Any] = {
        "名称": 1,
        "qty": 2,
        "status": 3,
        "tags": 4,
        "at": 5,
        "ok": 7,
        "who": 11,
        "phone": 13,
        "page": 15,
        "place": 22,
    }
    where = lark.table("t", **kinds)
    full = {
        "名称": "茶 100%" * 9000,
        "qty": 0.1,
        "status": "open",
        "tags": ["a", "b"],
        "at": MOMENT_MS,
        "ok": True,
        "phone": "+86138",
        "page": {"text": "x", "link": "https://x.example"},
        "place": "116.39,39.9",
    }
    (record_id, _) = lark.add(where, full, {})
    report = copy(lark, engine, where, create_table=True)
    assert counts(report) == (2, 0, 0, 0)
    with engine.connect() as conn:
        quoted = "lark_record_id = :id"
        row = conn.execute(text(f"SELECT * FROM goods WHERE {quoted}"), {"id": record_id}).mappings().one()
    assert row["名称"] == full["名称"]
    assert (row["qty"], row["status"], bool(row["ok"]), row["phone"]) == (0.1, "open", True, "+86138")
    tags = row["tags"]
    assert (json.loads(tags) if isinstance(tags, str) else tags) == ["a", "b"]
    assert row["place"] == "116.39,39.9"
    assert _instant(row["at"]) == MOMENT_MS


def _instant(value: Any) -> int:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return round(moment.timestamp() * 1000)


def test_append_adds_only_new_records(lark, engine, goods):
    assert counts(copy(lark, engine, goods, create_table=True)) == (3, 0, 0, 0)
    lark.add(goods, {"code": "C4", "qty": 4})
    lark.emulator.person.edit_record(lark.app_token, goods.table_id, _id(lark, goods, "C1"), {"qty": 100})
    assert counts(copy(lark, engine, goods)) == (1, 0, 3, 0)
    assert run_sql(engine, "SELECT qty FROM goods ORDER BY code") == [(1,), (2,), (3,), (4,)]


def test_upsert_changes_only_rows_that_differ(lark, engine, goods):
    copy(lark, engine, goods, create_table=True)
    first = _id(lark, goods, "C1")
    # another case only: a collation may take both for equal
    lark.emulator.person.edit_record(lark.app_token, goods.table_id, first, {"code": "c1"})
    lark.add(goods, {"code": "C4"})
    assert counts(copy(lark, engine, goods, mode="upsert")) == (1, 1, 2, 0)
    assert counts(copy(lark, engine, goods, mode="upsert")) == (0, 0, 4, 0)
    assert sorted(codes(engine)) == ["C2", "C3", "C4", "c1"]


def _id(lark: Lark, where: TableAddress, code: str) -> str:
    records = lark.records(where)
    return next(r["record_id"] for r in records if r["fields"]["code"][0]["text"] == code)


def test_replace_leaves_exactly_the_records(lark, engine, goods):
    copy(lark, engine, goods, create_table=True)
    lark.emulator.person.delete_record(lark.app_token, goods.table_id, _id(lark, goods, "C2"))
    assert counts(copy(lark, engine, goods, mode="replace")) == (2, 0, 0, 3)
    assert codes(engine) == ["C1", "C3"]


def test_rows_are_found_by_key_fields(lark, engine, goods):
    place = TargetPlace("goods", record_id_column="", key_fields=("code",))
    assert counts(copy(lark, engine, goods, place, mode="upsert", create_table=True)) == (3, 0, 0, 0)
    run_sql(engine, "UPDATE goods SET qty = 77 WHERE code = 'C2'", "DELETE FROM goods WHERE code = 'C3'")
    assert counts(copy(lark, engine, goods, place, mode="upsert")) == (1, 1, 1, 0)
    assert run_sql(engine, "SELECT code, qty FROM goods ORDER BY code") == [("C1", 1), ("C2", 2), ("C3", 3)]


def test_keys_that_people_change_or_exchange_find_other_rows(lark, engine):
    where, place = lark.table("t", code=1, qty=2), TargetPlace("goods", key_fields=("code",))
    ids = lark.add(where, *({"code": code, "qty": number} for number, code in enumerate("ABC")))
    copy(lark, engine, where, place, mode="upsert", create_table=True)
    for record_id, code in zip(ids, "BAD", strict=True):
        lark.emulator.person.edit_record(lark.app_token, where.table_id, record_id, {"code": code})
    assert counts(copy(lark, engine, where, place, mode="upsert")) == (1, 2, 0, 0)
    assert sorted(run_sql(engine, "SELECT code, qty FROM goods")) == [("A", 1), ("B", 0), ("C", 2), ("D", 2)]


def test_records_that_share_a_key_are_named(lark, sqlite, goods):
    lark.add(goods, {"code": "C1"}, {"code": None, "qty": 9})
    place = TargetPlace("goods", key_fields=("code",))
    with pytest.raises((DuplicateKey, ValueMismatch)):
        copy(lark, sqlite, goods, place, mode="upsert", create_table=True)
    report = copy(lark, sqlite, goods, place, mode="upsert", on_row_error="skip")
    assert (report.created, report.skipped, report.status) == (2, 3, "partial")
    assert sum("another record has the same key (code)" in problem for problem in report.problems) == 2


def test_record_that_does_not_fit_fails_and_leaves_the_table_as_it_was(lark, old_rows):
    where = lark.table("t", code=1, qty=1)
    lark.add(where, {"code": "A", "qty": "5"}, {"code": "B", "qty": "canary-secret"})
    with pytest.raises(ValueMismatch, match=r"record rec\w+: field qty") as caught:
        copy(lark, old_rows, where, mode="replace")
    assert "canary" not in str(caught.value)
    assert codes(old_rows) == ["OLD"]
    report = copy(lark, old_rows, where, mode="replace", on_row_error="skip")
    assert (report.skipped, report.status, codes(old_rows)) == (1, "partial", ["A"])


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_rows_that_the_table_refuses_change_nothing(lark, old_rows, goods, mode):
    lark.add(goods, {"code": "BIG", "qty": 100})
    with pytest.raises(
        RowRefused, match=r"record rec\w+: rejected by the database: constraint qty < 100 \(IntegrityError"
    ):
        copy(lark, old_rows, goods, mode=mode)
    assert codes(old_rows) == ["OLD"]


LIES = [
    pytest.param({"action": "short"}, IncompleteRead, r"reports 3 records but returned \d", id="short page"),
    pytest.param({"action": "empty"}, SafetyStop, "Lark reports|returned no record", id="empty page"),
    pytest.param({"action": "empty_page_token"}, UnexpectedAnswer, "page_token", id="page token missing"),
]


@pytest.mark.parametrize(("fault", "error", "words"), LIES)
def test_read_that_ends_early_never_empties_the_table(lark, old_rows, goods, fault, error, words):
    lark.emulator.faults.add("records/search", times=None, **fault)
    with pytest.raises(error, match=words):
        copy(lark, old_rows, goods, mode="replace")
    assert codes(old_rows) == ["OLD"]


def test_nothing_under_advanced_permissions_never_empties_the_table(lark, old_rows, goods):
    lark.emulator.state.set_advanced(lark.app_token, without_rights=[lark.emulator.app_id])
    with pytest.raises(SafetyStop, match="advanced permissions"):
        copy(lark, old_rows, goods, mode="replace")
    assert codes(old_rows) == ["OLD"]


def test_empty_table_empties_the_other_only_when_allowed(lark, old_rows):
    where = lark.table("t", code=1)
    with pytest.raises(SafetyStop, match="allow_empty=True"):
        copy(lark, old_rows, where, mode="replace")
    assert counts(copy(lark, old_rows, where, mode="replace", allow_empty=True)) == (0, 0, 0, 1)
    assert counts(copy(lark, old_rows, where, mode="replace")) == (0, 0, 0, 0)


def test_readers_see_the_table_before_or_after_never_half(lark, engine, goods, monkeypatch):
    copy(lark, engine, goods, create_table=True)
    lark.add(goods, {"code": "C4"})
    seen: list[int] = []
    insert = Loading._insert

    def look(self: Loading, rows: Any) -> Any:
        # between the delete and the insert
        if engine.dialect.name != "sqlite":
            seen.append(run_sql(engine, "SELECT count(*) FROM goods")[0][0])
        return insert(self, rows)

    monkeypatch.setattr(Loading, "_insert", look)
    copy(lark, engine, goods, mode="replace")
    assert seen == ([] if engine.dialect.name == "sqlite" else [3])
    assert len(codes(engine)) == 4


def test_transfers_that_replace_at_once_leave_each_record_once(lark, new_database, goods, monkeypatch):
    engine = new_database("postgresql")
    run_sql(engine, "CREATE TABLE goods (code VARCHAR(20))")
    place, others, commit = TargetPlace("goods", record_id_column=""), [], Loading._commit

    def commit_while_another_waits(staging):
        if not others:
            others.append(Thread(target=copy, args=(lark, engine, goods, place), kwargs={"mode": "replace"}))
            others[0].start()
            while others[0].is_alive() and not run_sql(engine, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                pass
        commit(staging)

    monkeypatch.setattr(Loading, "_commit", commit_while_another_waits)
    copy(lark, engine, goods, place, mode="replace")
    others[0].join()
    assert run_sql(engine, "SELECT count(*) FROM goods") == [(3,)]


def test_constraint_that_is_checked_at_the_end_is_a_refusal(lark, new_database, goods):
    engine = new_database("postgresql")
    run_sql(
        engine,
        "CREATE TABLE known (code VARCHAR(20) PRIMARY KEY)",
        "CREATE TABLE goods (code VARCHAR(20) REFERENCES known DEFERRABLE INITIALLY DEFERRED)",
    )
    with pytest.raises(RowRefused, match="constraint goods_code_fkey"):
        copy(lark, engine, goods, TargetPlace("goods", record_id_column=""), mode="replace")


def test_table_without_transactions_is_not_replaced(lark, new_database, goods):
    engine = new_database("mysql")
    run_sql(engine, "CREATE TABLE goods (code VARCHAR(20)) ENGINE=MyISAM", "INSERT INTO goods VALUES ('OLD')")
    with pytest.raises(SchemaMismatch, match="engine MyISAM does not support transactions"):
        copy(lark, engine, goods, TargetPlace("goods", record_id_column=""), mode="replace")
    assert run_sql(engine, "SELECT code FROM goods") == [("OLD",)]


def test_rows_that_a_trigger_leaves_out_are_a_warning(lark, old_rows, goods):
    run_sql(old_rows, "CREATE TRIGGER t BEFORE INSERT ON goods WHEN NEW.code = 'C2' BEGIN SELECT RAISE(IGNORE); END")
    report = copy(lark, old_rows, goods, mode="replace")
    assert (codes(old_rows), ["2 of 3 rows" in text for text in report.warnings]) == (["C1", "C3"], [True])


def test_table_may_have_the_name_of_the_temporary_one(lark, engine, goods):
    copy(lark, engine, goods, "lark_transfer", create_table=True)
    assert copy(lark, engine, goods, "lark_transfer", mode="replace").deleted == 3
    assert len(run_sql(engine, "SELECT code FROM lark_transfer")) == 3


def test_view_or_filter_chooses_records(lark, sqlite, goods):
    report = copy(lark, sqlite, goods, create_table=True, filter={"code": "C2"}, mode="replace")
    assert (report.read, codes(sqlite)) == (1, ["C2"])
    with pytest.raises(ConfigError, match="either a view or a filter"):
        copy(lark, sqlite, goods, view="vew1", filter={"code": "C2"})


def test_filter_takes_persons_by_e_mail(lark, sqlite):
    owner = lark.emulator.state.directory.add_user("P", "p@x.example").open_id
    where = lark.table("goods", code=1, owner=11)
    lark.add(where, {"code": "C1", "owner": [{"id": owner}]}, {"code": "C2"})
    options = DumpOptions(create_table=True, filter={"owner": "p@x.example"})
    copy_to_sql(
        lark.client, sqlite, where, TargetPlace("goods"), options, find_user_ids=lambda emails: {emails[0]: owner}
    )
    assert codes(sqlite) == ["C1"]


def test_filter_that_does_not_fit_makes_no_table(lark, sqlite, goods):
    with pytest.raises(ConfigError, match="filter: field qty"):
        copy(lark, sqlite, goods, create_table=True, filter={"qty": "many"})
    assert run_sql(sqlite, "SELECT name FROM sqlite_master") == []


def test_fields_rename_and_choose(lark, sqlite, goods):
    copy(
        lark,
        sqlite,
        goods,
        TargetPlace("goods", record_id_column="rid"),
        create_table=True,
        fields={"code": "Code No."},
    )
    columns = run_sql(sqlite, "SELECT name FROM pragma_table_info('goods')")
    assert columns == [("rid",), ("Code No.",)]


def test_fields_without_a_column_are_left_out_with_a_warning(lark, sqlite, goods):
    run_sql(sqlite, "CREATE TABLE goods (lark_record_id VARCHAR(64) PRIMARY KEY, code TEXT)")
    report = copy(lark, sqlite, goods)
    assert report.warnings == ["fields without a column of the same name were left out: qty"]
    assert codes(sqlite) == ["C1", "C2", "C3"]


@pytest.mark.parametrize(
    ("ddl", "place", "options", "error", "words"),
    [
        pytest.param("", TargetPlace("goods"), {}, SchemaMismatch, "'goods' does not exist", id="no table"),
        pytest.param(
            "code TEXT", TargetPlace("goods"), {}, ConfigError, "UNIQUE constraint .* or set key_fields", id="key"
        ),
        pytest.param(
            "other TEXT", TargetPlace("goods"), {}, SchemaMismatch, "no column has the same name", id="no columns"
        ),
        pytest.param(
            "code TEXT, must TEXT NOT NULL",
            TargetPlace("goods"),
            {},
            SchemaMismatch,
            "column must is NOT NULL",
            id="not null",
        ),
        pytest.param(
            "code TEXT",
            TargetPlace("goods"),
            {"fields": {"cod": "code"}},
            SchemaMismatch,
            "did you mean 'code'",
            id="field",
        ),
        pytest.param(
            "code TEXT", TargetPlace("goods", key_fields=("qty",)), {}, ConfigError, "'qty' is not", id="keys"
        ),
        pytest.param("code TEXT", TargetPlace("goods"), {"mode": "merge"}, ConfigError, "mode is 'merge'", id="mode"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_read(lark, sqlite, goods, ddl, place, options, error, words):
    if ddl:
        run_sql(sqlite, f"CREATE TABLE goods ({ddl})")
    with pytest.raises(error, match=words):
        copy(lark, sqlite, goods, place, **options)
    assert "search" not in lark.client.calls.by_kind


def test_names_that_no_column_can_have_are_refused(lark, engine):
    where = lark.table("t", Name=1, name=1)
    with pytest.raises(SchemaMismatch, match="'Name' and 'name' would be the same column"):
        copy(lark, engine, where, create_table=True)
    long = lark.table("long", **{"很长的名字" * 15: 1})
    if engine.dialect.name == "sqlite":
        assert copy(lark, engine, long, create_table=True).read == 0
        return
    with pytest.raises(SchemaMismatch, match="is not a valid column name here"):
        copy(lark, engine, long, create_table=True)


def test_table_is_not_made_for_a_transfer_that_cannot_be(lark, sqlite, goods):
    for place, options in (
        (TargetPlace("new", key_fields=("no",)), {}),
        (TargetPlace("new"), {"fields": {"no": "no"}}),
        (TargetPlace("new"), {"fields": {"code": "lark_record_id"}}),
    ):
        with pytest.raises((ConfigError, SchemaMismatch)):
            copy(lark, sqlite, goods, place, create_table=True, **options)
    assert run_sql(sqlite, "SELECT name FROM sqlite_master") == []


def test_persons_are_kept_by_id_or_by_email(lark, sqlite):
    person = lark.emulator.state.directory.add_user("P", "p@x.example")
    where = lark.table("t", name=1, who={"type": 11, "property": {"multiple": False}})
    lark.add(where, {"who": [{"id": person.open_id}]})
    for users, kept in (("id", person.open_id), ("email", "p@x.example")):
        copy(lark, sqlite, where, mode="replace", create_table=True, users=users)
        assert run_sql(sqlite, "SELECT who FROM goods") == [(kept,)]


def test_engine_that_begins_by_itself_is_served(lark, sqlite, goods):
    @event.listens_for(sqlite, "connect")
    def leave_transactions_to_us(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(sqlite, "begin")
    def begin(conn: Any) -> None:
        conn.exec_driver_sql("BEGIN")

    assert counts(copy(lark, sqlite, goods, mode="replace", create_table=True)) == (3, 0, 0, 0)
    assert counts(copy(lark, sqlite, goods, mode="upsert")) == (0, 0, 3, 0)


@pytest.mark.parametrize(("field", "place"), [("状态😀", "goods"), ("name", "goods😀")])
def test_emoji_in_a_name_on_mysql_is_refused_by_name(lark, new_database, field, place):
    engine = new_database("mysql")
    where = lark.table("goods", code=1, **{field: 1})
    with pytest.raises(SchemaMismatch, match="do not support emoji"):
        copy(lark, engine, where, place, create_table=True)
    assert inspect(engine).get_table_names() == []


def test_rows_that_the_table_refuses_are_named_and_the_others_land(lark, engine, goods):
    run_sql(
        engine,
        "CREATE TABLE goods (lark_record_id VARCHAR(64) PRIMARY KEY, code VARCHAR(20) UNIQUE, qty INTEGER, "
        "CONSTRAINT small CHECK (qty < 100))",
    )
    (big, _) = lark.add(goods, {"code": "BIG", "qty": 100}, {"code": "C9", "qty": 9})
    with pytest.raises(RowRefused, match=rf"record {big}: rejected by the database: constraint small"):
        copy(lark, engine, goods, mode="append")
    assert codes(engine) == []
    for mode, expected in (("append", (4, 0, 0, 0)), ("upsert", (0, 0, 4, 0)), ("replace", (4, 0, 0, 4))):
        report = copy(lark, engine, goods, mode=mode, on_row_error="skip")
        assert (report.status, report.skipped, counts(report)) == ("partial", 1, expected)
        assert codes(engine) == ["C1", "C2", "C3", "C9"]
        assert f"record {big}: rejected by the database: constraint small" in report.problems[0]
    # an update of a row that is there
    run_sql(engine, "UPDATE goods SET qty = 50 WHERE code = 'C1'", "UPDATE goods SET code = 'X' WHERE code = 'C2'")
    report = copy(lark, engine, goods, mode="upsert", on_row_error="skip")
    assert (counts(report), codes(engine)) == ((0, 2, 2, 0), ["C1", "C2", "C3", "C9"])


SWALLOW = {
    "sqlite": ["CREATE TRIGGER s BEFORE {} ON goods WHEN NEW.code = 'C2' BEGIN SELECT RAISE(IGNORE); END"],
    "postgresql": [
        (
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.code = 'C2' THEN RETURN NULL; END IF; RETURN NEW; END $$"
        ),
        "CREATE TRIGGER s BEFORE {} ON goods FOR EACH ROW EXECUTE FUNCTION swallow()",
    ],
}


@pytest.mark.parametrize("kind", SWALLOW)
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_that_a_trigger_swallows_are_not_counted_as_unchanged(lark, new_database, goods, kind, mode):
    engine = new_database(kind)
    run_sql(engine, "CREATE TABLE goods (lark_record_id VARCHAR(64) PRIMARY KEY, code VARCHAR(20), qty INTEGER)")
    run_sql(engine, *(statement.format("INSERT") for statement in SWALLOW[kind]))
    with pytest.raises(RowRefused, match="did not store it but reported no error"):
        copy(lark, engine, goods, mode=mode)
    assert codes(engine) == []
    report = copy(lark, engine, goods, mode=mode, on_row_error="skip")
    assert (report.status, report.skipped, counts(report)) == ("partial", 1, (2, 0, 0, 0))
    assert codes(engine) == ["C1", "C3"]


@pytest.mark.parametrize("kind", SWALLOW)
def test_updates_that_a_trigger_keeps_out_or_changes_are_a_warning(lark, new_database, goods, kind):
    engine = new_database(kind)
    copy(lark, engine, goods, create_table=True)
    run_sql(engine, "UPDATE goods SET qty = 77", *(statement.format("UPDATE") for statement in SWALLOW[kind]))
    report = copy(lark, engine, goods, mode="upsert")
    assert report.updated == 2
    assert ["rows with different values than their records: 1" in warning for warning in report.warnings] == [True]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_transfer_into_a_table_without_transactions_says_so(lark, new_database, goods, mode):
    engine = new_database("mysql")
    run_sql(
        engine,
        "CREATE TABLE goods (lark_record_id VARCHAR(64) PRIMARY KEY, code VARCHAR(20), qty INTEGER CHECK (qty < 3)) "
        "ENGINE=MyISAM DEFAULT CHARSET=utf8mb4",
    )
    report = copy(lark, engine, goods, mode=mode, on_row_error="skip")
    assert "its engine MyISAM does not support transactions" in report.warnings[0]
    assert (report.skipped, codes(engine)) == (1, ["C1", "C2"])


def test_numbers_that_a_transfer_brings_move_the_sequence_on(lark, new_database):
    engine = new_database("postgresql")
    run_sql(engine, "CREATE TABLE goods (id SERIAL PRIMARY KEY, name VARCHAR(20))")
    where = lark.table("goods", id=2, name=1)
    lark.add(where, *({"id": number, "name": f"n{number}"} for number in (1, 2, 40)))
    copy(lark, engine, where, TargetPlace("goods", record_id_column="", key_fields=("id",)), mode="upsert")
    run_sql(engine, "INSERT INTO goods (name) VALUES ('next')")
    assert run_sql(engine, "SELECT id FROM goods ORDER BY id") == [(1,), (2,), (40,), (41,)]
