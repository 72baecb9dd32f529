"""The doctor finds each thing that stops a sync, says what to do, and writes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.sync import doctor
from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.clock import ManualClock
from tests.sync.world import World


@dataclass
class StoppedClock(SystemClock):
    """A machine's clock, which tells one time however long the machine takes."""

    seconds: float

    def now(self) -> float:
        return self.seconds


def examine(world: World, **options: float) -> dict[str, doctor.Finding]:
    found = doctor.examine_mapping(world.client, world.sql, world.mapping(), clock=SystemClock(), **options)
    assert len({finding.check for finding in found}) == len(found)
    return {finding.check: finding for finding in found}


def troubles(found: dict[str, doctor.Finding]) -> set[str]:
    return {check for check, finding in found.items() if finding.status == "trouble"}


def test_doctor_of_a_running_sync_finds_nothing(world: World) -> None:
    world.ready(rows=3)
    before = world.records()
    found = examine(world)
    assert {finding.status for finding in found.values()} == {"ok"}
    assert list(found) == [
        "table",
        "fields",
        "read",
        "write",
        "scopes",
        "database",
        *(["row security"] if world.sql.dialect.name == "postgresql" else []),
        "ledger",
        "mapping",
        "time zone",
        "triggers",
        "queue",
        "last scan",
    ]
    assert found["read"].detail == "3 records"
    assert world.records() == before


def test_doctor_before_the_setup_warns_and_makes_nothing(world: World) -> None:
    found = examine(world)
    assert {check for check, f in found.items() if f.status != "ok"} == {"triggers", "last scan"}
    assert troubles(found) == set()
    assert found["last scan"].detail == "no full sync has completed yet"
    assert "Last modified" not in world.emu.person.fields(world.app_token, world.table_id)


def test_doctor_finds_missing_triggers(world: World) -> None:
    world.ready(rows=1)
    world.engine().uninstall(keep_state=True)
    found = examine(world)
    assert troubles(found) == {"triggers"}
    assert "run the setup, then a full sync" in found["triggers"].detail


def test_doctor_finds_changes_that_nobody_takes(world: World) -> None:
    world.ready(rows=1)
    world.update(1, name="new")
    assert examine(world)["queue"].status == "ok"
    found = examine(world, max_queue_age_seconds=-1)
    assert troubles(found) == {"queue"}
    # by the database's clock, which may go on while a busy machine gets here
    assert re.match(r"1 pending, oldest \d+ s; check that the incremental sync DAG is running", found["queue"].detail)


def test_doctor_finds_a_column_that_is_gone(world: World) -> None:
    world.ready(rows=1)
    world.changes = {"fields": {"Name": "name", "Code": "code", "Qty": "price"}}
    found = examine(world)
    assert troubles(found) == {"mapping"}
    assert "price" in found["mapping"].detail


def test_doctor_finds_an_app_that_is_not_in_the_document(world: World) -> None:
    world.ready(rows=1)
    world.emu.state.revoke(world.app_token, world.emu.app_id)
    found = examine(world)
    assert troubles(found) == {"table"}
    assert "91403" in found["table"].detail


def test_doctor_finds_an_app_that_advanced_permissions_keep_out(world: World) -> None:
    world.ready(rows=2)
    world.emu.state.set_advanced(world.app_token, without_rights=[world.emu.app_id])
    found = examine(world)
    assert troubles(found) == {"read", "write"}
    assert found["read"].detail.startswith("Lark returned no records, but 2 are known: it has advanced permissions")


def test_doctor_finds_an_app_that_may_only_read(world: World) -> None:
    world.ready(rows=1)
    world.emu.state.add_app("cli_reader", "reader-secret", ["bitable:app:readonly"])
    with LarkClient("cli_reader", "reader-secret", world.emu.url) as client:
        found = doctor.examine_mapping(client, world.sql, world.mapping(), clock=SystemClock())
    write, scopes = [finding for finding in found if finding.status == "trouble"]
    assert (write.check, scopes.check) == ("write", "scopes")
    assert "bitable:app" in write.detail
    assert scopes.detail.startswith("write requires one of bitable:app")


def test_doctor_finds_that_people_cannot_be_looked_up(world: World) -> None:
    world.changes = {"users": "email"}
    assert examine(world)["people"].status == "ok"
    world.emu.state.add_app("cli_shy", "shy-secret", ["bitable:app"])
    with LarkClient("cli_shy", "shy-secret", world.emu.url) as client:
        found = doctor.examine_mapping(client, world.sql, world.mapping(), clock=SystemClock())
    people, scopes = [finding for finding in found if finding.status == "trouble"]
    assert people.check == "people"
    assert "people requires one of contact:user.id:readonly" in scopes.detail


def test_doctor_finds_a_database_that_is_not_there(world: World) -> None:
    engine = create_engine("postgresql+psycopg://nobody:canary-password@127.0.0.1:1/none")
    found = doctor.examine_mapping(world.client, engine, world.mapping(), clock=SystemClock())
    (trouble,) = [finding for finding in found if finding.status == "trouble"]
    assert trouble.check == "database"
    assert "canary" not in trouble.detail


def test_doctor_of_an_app_tells_its_name(world: World) -> None:
    found = doctor.examine_app(world.client)
    assert [(f.check, f.status) for f in found] == [("token", "ok"), ("clock", "ok")]
    assert found[0].detail == "connected as app 'Emulated app'"


@pytest.mark.parametrize(("seconds", "status"), [(30.0, "warning"), (300.0, "trouble")])
def test_doctor_finds_a_clock_that_is_wrong(seconds: float, status: str) -> None:
    with Emulator(clock=ManualClock()) as emu:
        clock = StoppedClock(emu.clock.now() - seconds)
        with LarkClient(emu.app_id, emu.app_secret, emu.url, clock=clock) as client:
            found = doctor.examine_app(client)
    assert found[1].status == status
    assert f"{seconds:.0f} s behind Lark" in found[1].detail


def test_doctor_of_a_wrong_secret_says_so_without_it(world: World) -> None:
    with LarkClient(world.emu.app_id, "canary-secret", world.emu.url) as client:
        (finding,) = doctor.examine_app(client)
    assert finding.status == "trouble"
    assert "App Secret" in finding.detail
    assert "canary" not in finding.detail


def test_doctor_of_a_base_counts_its_tables(world: World) -> None:
    finding = doctor.examine_base(world.client, "MyDB", {"MyDB": world.app_token})
    assert (finding.subject, finding.status, finding.detail) == ("base MyDB", "ok", "'Shop', tables: 1")
    finding = doctor.examine_base(world.client, "MyDB", {"MyDB": "bascnNotThere"})
    assert finding.status == "trouble"
