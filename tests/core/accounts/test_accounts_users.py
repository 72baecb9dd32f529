"""The directory of people: few calls, one cache for all workers, and no lookup that a broken cache could break."""

import logging
import threading

import pytest
from sqlalchemy import Engine, insert, select, text, update

from airflow_provider_lark.core.accounts import tables, upgrade, user_cache
from airflow_provider_lark.core.accounts.users import UserDirectory, purge
from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.errors import AccessDenied, QuotaExhausted
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator
from tests.core.api.conftest import FakeClock
from tests.databases import open_sqlite

KINDS = ("sqlite", "postgresql", "mysql")
CACHE = tables.user_cache


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as running:
        for number in range(120):
            running.state.add_user(f"U{number}", f"u{number}@x.y", f"+861380000{number:04}")
        yield running


@pytest.fixture
def client(emulator):
    with LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emulator.url, clock=FakeClock()) as ready:
        yield ready
    emulator.faults.clear()


@pytest.fixture(scope="module")
def databases(new_database):
    engines = {}

    def give(kind):
        if kind not in engines:
            engines[kind] = new_database(kind)
            upgrade(engines[kind])
        return engines[kind]

    return give


@pytest.fixture(params=KINDS)
def engine(request, databases) -> Engine:
    found = databases(request.param)
    with found.begin() as conn:
        conn.execute(CACHE.delete())
    return found


@pytest.fixture
def lite(databases) -> Engine:
    found = databases("sqlite")
    with found.begin() as conn:
        conn.execute(CACHE.delete())
    return found


def lookups(client) -> int:
    return client.calls.by_kind.get("other", 0)


def person(emulator, number):
    return emulator.state.directory.find_contact(email=f"u{number}@x.y")


def rows(engine):
    with engine.connect() as conn:
        return {row.lookup: row for row in conn.execute(select(CACHE))}


def test_lookup_costs_a_call_for_50_and_none_for_the_next_worker(engine, emulator, client):
    emails = [f"u{number}@x.y" for number in range(120)] + ["nobody@x.y"]

    first = UserDirectory(client, engine).find_ids(emails=emails)

    assert lookups(client) == 3  # 121 addresses
    assert first["u7@x.y"] == person(emulator, 7).open_id
    assert first["nobody@x.y"] is None
    assert UserDirectory(client, engine).find_ids(emails=emails) == first
    assert lookups(client) == 3
    kept = rows(engine)
    assert len(kept) == 121
    assert (kept["nobody@x.y"].is_known, kept["nobody@x.y"].open_id) == (False, None)
    assert kept["u7@x.y"].is_known
    assert kept["u7@x.y"].host == emulator.url


def test_case_and_blanks_of_an_address_and_marks_of_a_number_do_not_count(emulator, client):
    directory = UserDirectory(client)

    mobiles = ["+86 138-0000 0001", "13800000001", "+1 380-0000 001"]
    found = directory.find_ids(emails=[" U1@X.Y\n", "u1@x.y"], mobiles=mobiles)

    ann = person(emulator, 1).open_id
    # Lark finds numbers of the mainland without their prefix, and no others
    assert found == {
        " U1@X.Y\n": ann,
        "u1@x.y": ann,
        "+86 138-0000 0001": ann,
        "13800000001": ann,
        "+1 380-0000 001": None,
    }
    assert lookups(client) == 2


@pytest.mark.parametrize("given", ["", "Ann", "a b@x.y", "@", "x" * 400 + "@x.y", "\ud800@x.y"])
def test_text_that_is_no_address_is_nobodys_and_costs_nothing(client, given):
    assert UserDirectory(client).find_ids(emails=[given], mobiles=["call me"]) == {given: None, "call me": None}
    assert lookups(client) == 0


def test_other_kinds_of_id_are_asked_for_and_kept_beside(engine, emulator, client):
    directory = UserDirectory(client, engine)
    for id_type in ("open_id", "union_id", "user_id"):
        found = directory.find_ids(emails=["u3@x.y", "nobody@x.y"], id_type=id_type)
        assert found == {"u3@x.y": person(emulator, 3).id_as(id_type), "nobody@x.y": None}
    asked = lookups(client)

    again = UserDirectory(client, engine)
    for id_type in ("open_id", "union_id", "user_id"):
        assert again.find_ids(emails=["u3@x.y"], id_type=id_type)["u3@x.y"] == person(emulator, 3).id_as(id_type)

    assert (asked, lookups(client)) == (3, 3)
    row = rows(engine)["u3@x.y"]
    assert {row.open_id, row.union_id, row.user_id} == {
        person(emulator, 3).id_as(kind) for kind in ("open_id", "union_id", "user_id")
    }


def test_user_id_that_may_be_hidden_is_not_kept_as_nobody(lite, client):
    UserDirectory(client, lite).find_ids(emails=["nobody@x.y"], id_type="user_id")

    assert rows(lite) == {}


def test_memory_forgets_after_its_time_and_sooner_that_nobody_is_known(emulator, client):
    clock = client.contact.session.settings.clock
    directory = UserDirectory(client, ttl_seconds=100, negative_ttl_seconds=10)
    emails = ["u1@x.y", "late@x.y"]
    directory.find_ids(emails=emails)
    directory.find_ids(emails=emails)
    assert lookups(client) == 1

    clock.seconds += 11
    late = emulator.state.add_user("Late", "late@x.y")
    assert directory.find_ids(emails=emails)["late@x.y"] == late.open_id
    assert lookups(client) == 2
    clock.seconds += 90
    directory.find_ids(emails=emails)
    # only u1 has run out
    assert lookups(client) == 3


def test_expired_row_is_asked_anew_and_keeps_no_other_persons_ids(engine, emulator, client):
    with engine.begin() as conn:
        conn.execute(
            insert(CACHE).values(
                host=emulator.url,
                app_id=DEFAULT_APP_ID,
                lookup_type="email",
                lookup="u4@x.y",
                is_known=True,
                open_id="ou_before",
                union_id="on_before",
                expires_at=now_plus(-5),
            )
        )

    found = UserDirectory(client, engine).find_ids(emails=["u4@x.y"])

    assert found == {"u4@x.y": person(emulator, 4).open_id}
    row = rows(engine)["u4@x.y"]
    assert (row.open_id, row.union_id) == (person(emulator, 4).open_id, None)


def test_answers_of_another_app_or_host_do_not_count(lite, emulator, client):
    UserDirectory(client, lite).find_ids(emails=["u5@x.y"])
    with lite.begin() as conn:
        conn.execute(update(CACHE).values(host="https://open.larksuite.com"))

    UserDirectory(client, lite).find_ids(emails=["u5@x.y"])

    assert lookups(client) == 2


PURGES = {
    # SQLite has no NOW()
    "sqlite": "DELETE FROM user_cache WHERE expires_at < datetime('now')",
    "postgresql": "DELETE FROM user_cache WHERE expires_at < NOW()",
    "mysql": "DELETE FROM user_cache WHERE expires_at < NOW()",
}


@pytest.mark.parametrize("by_hand", [True, False])
def test_expired_rows_are_purged(engine, client, by_hand):
    directory = UserDirectory(client, engine)
    directory.find_ids(emails=["u1@x.y", "u2@x.y", "nobody@x.y"])
    with engine.begin() as conn:
        conn.execute(update(CACHE).where(CACHE.c.lookup != "u2@x.y").values(expires_at=now_plus(-5)))

    if by_hand:
        with engine.begin() as conn:
            count = conn.execute(text(PURGES[engine.dialect.name])).rowcount
    else:
        count = purge(engine)

    assert (count, list(rows(engine))) == (2, ["u2@x.y"])


def test_many_workers_at_once_leave_one_row_an_address(engine, emulator, client, caplog):
    emails = [f"u{number}@x.y" for number in range(100)]
    found, start = [], threading.Barrier(6)

    def work(turn):
        start.wait()
        mine = emails[turn:] + emails[:turn]
        found.append(UserDirectory(client, engine).find_ids(emails=mine))

    threads = [threading.Thread(target=work, args=(turn * 17,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [{email: person(emulator, n).open_id for n, email in enumerate(emails)}] * 6
    assert len(rows(engine)) == 100
    assert not caplog.records


def test_database_that_is_down_breaks_no_lookup_and_rests(emulator, client, caplog, tmp_path):
    broken = open_sqlite(tmp_path / "missing" / "cache.db")
    directory = UserDirectory(client, broken)

    with caplog.at_level(logging.WARNING):
        assert directory.find_ids(emails=["u1@x.y"]) == {"u1@x.y": person(emulator, 1).open_id}
        directory.find_ids(emails=["u1@x.y", "u2@x.y"])

    assert lookups(client) == 2
    (warning,) = caplog.messages
    assert "the user cache cannot be read (OperationalError); querying Lark instead" in warning


def test_database_that_another_program_locks_breaks_no_lookup(lite, emulator, client, caplog, monkeypatch):
    monkeypatch.setattr(user_cache, "_LOCK_SECONDS", 0.01)
    with lite.connect() as other, caplog.at_level(logging.WARNING):
        other.exec_driver_sql("BEGIN IMMEDIATE")
        found = UserDirectory(client, lite).find_ids(emails=["u1@x.y"])
        other.exec_driver_sql("ROLLBACK")
    assert found == {"u1@x.y": person(emulator, 1).open_id}
    (warning,) = caplog.messages
    assert "the user cache cannot be written (DatabaseBusy); querying Lark instead" in warning


def test_database_without_the_tables_breaks_no_lookup(emulator, client, new_database):
    bare = new_database("sqlite")

    assert UserDirectory(client, bare).find_ids(emails=["u1@x.y"])["u1@x.y"] == person(emulator, 1).open_id


def test_missing_scope_is_named_and_nothing_is_kept(lite, emulator):
    emulator.state.add_app("cli_small", "small-secret", scopes={"bitable:app"})
    with (
        LarkClient("cli_small", "small-secret", emulator.url) as poor,
        pytest.raises(AccessDenied, match=r"contact:user\.id:readonly"),
    ):
        UserDirectory(poor, lite).find_ids(emails=["u1@x.y"])
    assert rows(lite) == {}


def test_answers_before_a_failure_are_kept(lite, emulator, client):
    emulator.faults.add("batch_get_id", code=99991403, skip=1, times=None)
    emails = [f"u{number}@x.y" for number in range(60)]

    with pytest.raises(QuotaExhausted):
        UserDirectory(client, lite).find_ids(emails=emails)

    assert len(rows(lite)) == 50


def test_address_that_lark_refuses_is_nobodys_and_the_others_are_found(emulator, client):
    emulator.faults.add("batch_get_id", code=99992402, status=400, contains="odd@x.y", times=None)

    found = UserDirectory(client).find_ids(emails=[f"u{number}@x.y" for number in range(20)] + ["odd@x.y"])

    assert found.pop("odd@x.y") is None
    assert all(found.values())
