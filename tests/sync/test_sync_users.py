"""Persons by e-mail address: kept as text in SQL, looked up 50 a call, and one unknown address stops one row."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.errors import AccessDenied, ConfigError, SchemaMismatch
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from tests.sync.world import PAIRS, World, wrote

FIELDS = {**PAIRS, "Owner": "lark_id"}
BY_EMAIL = {"fields": FIELDS, "users": "email", "time_zone": "UTC"}
lite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def office(world: World) -> World:
    """A world with a person field beside a text column, and sixty people."""
    world.emu.person.add_field(world.app_token, world.table_id, {"field_name": "Owner", "type": 11})
    for number in range(60):
        world.emu.state.add_user(f"U{number}", email(world, number))
    return world


def email(office: World, number: int) -> str:
    return f"{number}@{office.table_id[-8:]}.y".lower()


def open_id(office: World, number: int) -> str:
    return str(office.emu.state.directory.find_contact(email=email(office, number)).open_id)


def looked_up(report: Any) -> int:
    return int(report.api_calls.get("other", 0))


def owners(office: World) -> dict[Any, Any]:
    return {code: [one["id"] for one in record.get("Owner", [])] for code, record in office.by_code().items()}


def test_rows_cost_a_call_for_50_addresses_and_none_in_the_next_run(office: World) -> None:
    office.insert(*({"code": n, "name": f"n{n}", "lark_id": email(office, n % 60)} for n in range(1, 241)))

    report = office.engine(**BY_EMAIL).full()

    assert (report.status, report.to_lark.created) == ("ok", 240)
    assert looked_up(report) == 2  # 60 people on 240 rows
    assert owners(office)[7] == [open_id(office, 7)]
    office.update(7, lark_id=email(office, 8))
    again = office.engine(**BY_EMAIL).incremental()
    assert (again.to_lark.updated, looked_up(again)) == (1, 0)
    assert owners(office)[7] == [open_id(office, 8)]
    assert office.ask("SELECT count(*) FROM user_cache")[0][0] == 60
    assert wrote(office.engine(**BY_EMAIL).full()) == (0, 0)


def test_person_chosen_in_lark_is_an_address_in_sql(office: World) -> None:
    engine = office.ready(**BY_EMAIL)

    office.edit(1, Owner=[{"id": open_id(office, 3)}])
    office.edit(2, Owner=[{"id": open_id(office, 4)}, {"id": open_id(office, 5)}])

    report = engine.incremental()
    assert (report.status, wrote(report)) == ("ok", (2, 0))
    # the field allows several, so one is a list too
    assert office.rows()[1]["lark_id"] == f'["{email(office, 3)}"]'
    assert office.rows()[2]["lark_id"] == f'["{email(office, 4)}","{email(office, 5)}"]'
    assert wrote(engine.incremental()) == (0, 0)


@lite_only
def test_unknown_address_stops_its_row_alone_and_is_not_shown(office: World) -> None:
    office.insert(
        {"code": 1, "name": "a", "lark_id": email(office, 1)},
        {"code": 2, "name": "b", "lark_id": "canary@nowhere.example"},
        {"code": 3, "name": "c", "lark_id": "no address"},
        {"code": 4, "name": "d", "lark_id": None},
    )

    report = office.engine(**BY_EMAIL).full()

    assert (report.status, report.failed, report.to_lark.created) == ("partial", 2, 2)
    assert all("Owner (User)" in problem for problem in report.problems)
    assert "expected an e-mail address, or a JSON array" in report.problems[0]
    assert "got a str, expected e-mail addresses of users known to Lark" in report.problems[1]
    assert "canary" not in str(report.to_dict()).lower()
    office.update(2, lark_id=f" {email(office, 2).upper()} ")
    office.update(3, lark_id=None)
    mended = office.engine(**BY_EMAIL).incremental()
    assert (mended.status, mended.to_lark.created) == ("ok", 2)
    assert owners(office) == {1: [open_id(office, 1)], 2: [open_id(office, 2)], 3: [], 4: []}


@lite_only
def test_case_of_an_address_is_no_difference(office: World) -> None:
    office.insert({"code": 1, "name": "a", "lark_id": email(office, 1).upper()})
    engine = office.engine(**BY_EMAIL)
    engine.full()

    office.edit(1, Name="b")
    report = engine.incremental()

    assert wrote(report) == (1, 0)
    assert office.rows()[1]["lark_id"] == email(office, 1).upper()
    assert wrote(engine.full()) == (0, 0)


@lite_only
def test_person_without_an_address_is_told_with_the_scope_that_shows_it(office: World) -> None:
    engine = office.ready(**BY_EMAIL)
    hidden = office.emu.state.add_user("Hidden")

    office.edit(1, Owner=[{"id": hidden.open_id}])
    office.edit(2, Owner=[{"id": open_id(office, 4)}])

    report = engine.incremental()
    assert (report.failed, report.to_sql.updated) == (1, 1)
    assert "contact:user.email:readonly" in report.problems[0]


@lite_only
def test_missing_scope_for_the_lookup_is_named(office: World) -> None:
    office.insert({"code": 1, "name": "a", "lark_id": email(office, 1)})
    office.emu.faults.add("batch_get_id", code=99991672, status=400)

    with pytest.raises(AccessDenied, match="99991672"):
        office.engine(**BY_EMAIL).full()


@lite_only
def test_one_field_may_name_persons_otherwise_than_the_mapping(office: World) -> None:
    pairs = [*({"field": f, "column": c} for f, c in PAIRS.items())]
    pairs += [{"field": "Owner", "column": "lark_id", "users": "email"}]
    engine = office.ready(fields=pairs)
    office.edit(1, Owner=[{"id": open_id(office, 3)}])
    engine.incremental()
    assert email(office, 3) in office.rows()[1]["lark_id"]

    by_id = office.engine(fields=FIELDS)
    by_id.full()
    assert office.rows()[1]["lark_id"] == f'["{open_id(office, 3)}"]'


@lite_only
def test_directory_of_the_caller_is_asked(office: World) -> None:
    office.insert({"code": 1, "name": "a", "lark_id": email(office, 1)})
    directory = UserDirectory(office.client)
    directory.find_ids(emails=[email(office, 1)])

    engine = SyncEngine(office.client, office.sql, office.mapping(**BY_EMAIL), directory=directory)

    assert looked_up(engine.full()) == 0
    assert not sa.inspect(office.sql).has_table("user_cache")


@lite_only
def test_table_of_the_users_named_tokens_costs_the_cache_and_nothing_else(
    office: World, caplog: pytest.LogCaptureFixture
) -> None:
    office.execute("CREATE TABLE tokens (id INTEGER PRIMARY KEY)")
    office.insert({"code": 1, "name": "a", "lark_id": email(office, 1)})

    assert office.engine(**BY_EMAIL).full().to_lark.created == 1
    assert "users are not cached in the database" in caplog.text


@pytest.mark.parametrize("users", ["mail", True, ["email"]])
def test_other_word_for_users_is_refused(users: Any) -> None:
    raw = {"lark": {"app_token": "a", "table_id": "tbl1"}, "sql": "t", "users": users}
    with pytest.raises(ConfigError, match=r"mapping.users: .* is not one of id, email"):
        TableMapping.from_dict(raw)


def test_users_survive_plain_data() -> None:
    raw = {
        "lark": {"app_token": "a", "table_id": "tbl1"},
        "sql": "t",
        "users": "email",
        "fields": [{"field": "Owner", "column": "owner", "users": "id"}],
    }
    mapping = TableMapping.from_dict(raw)
    assert TableMapping.from_dict(mapping.to_dict()) == mapping
    assert mapping.fields is not None
    assert (mapping.users, mapping.fields[0].users) == ("email", "id")


@lite_only
def test_users_at_a_field_without_persons_is_refused(office: World) -> None:
    pairs = [{"field": "Name", "column": "name", "users": "email"}, {"field": "Code", "column": "code"}]
    with pytest.raises(SchemaMismatch, match=r"field Name \(Text\) is not a user field; remove users: email from"):
        office.engine(fields=pairs).setup()
