"""Who has an app's long connection, on real databases (issue input 7.31)."""

from __future__ import annotations

import os
import socket
import threading
from itertools import count

import pytest
from sqlalchemy import create_engine

from airflow_provider_lark.core import process_names
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import connections
from airflow_provider_lark.core.errors import Unreachable
from airflow_provider_lark.core.inbox.connection import ConnectionLease, find_holder

_apps = count(1)


@pytest.fixture(params=["sqlite", "postgresql", "mysql"], scope="module")
def database(request, new_database):
    made = new_database(request.param)
    upgrade(made)
    return made


@pytest.fixture
def app_id():
    return f"cli_{next(_apps)}"


def test_one_owner_at_a_time(database, app_id):
    first = ConnectionLease(database, app_id, owner="first")
    second = ConnectionLease(database, app_id, owner="second")
    assert (first.acquire(), second.acquire(), first.acquire()) == (None, "first", None)
    assert (first.renew(), second.renew()) == (True, False)
    first.release()
    assert second.acquire() is None
    assert (first.renew(), first.acquire()) == (False, "second")


def test_lease_that_ran_out_is_anybodys_but_still_its_owners(database, app_id):
    first = ConnectionLease(database, app_id, owner="first", seconds=0)
    assert first.acquire() is None
    # nobody has asked meanwhile
    assert first.renew()
    assert ConnectionLease(database, app_id, owner="second").acquire() is None
    assert not first.renew()


def test_only_the_owner_raises_the_generation_and_release_keeps_it(database, app_id):
    first, second = (ConnectionLease(database, app_id, owner=name) for name in ("first", "second"))
    assert first.generation() == 0
    first.acquire()
    first.note_connected()
    first.note_connected()
    second.note_connected()
    first.release()
    assert second.acquire() is None
    second.note_connected()
    assert first.generation() == 3


def test_apps_do_not_know_of_each_other(database, app_id):
    assert ConnectionLease(database, app_id, owner="first").acquire() is None
    assert ConnectionLease(database, f"{app_id}b", owner="second").acquire() is None


def test_of_many_that_ask_at_once_one_gets_it(database, app_id):
    leases = [ConnectionLease(database, app_id, owner=f"owner {number}") for number in range(8)]
    answers: list[str | None] = []
    threads = [threading.Thread(target=lambda lease=lease: answers.append(lease.acquire())) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 8
    assert answers.count(None) == 1


def test_connection_of_a_process_here_that_was_killed_is_anybodys(database, app_id):
    living = ConnectionLease(database, app_id)
    place, _, nonce = living.owner.rsplit("#", 2)
    assert ConnectionLease(database, app_id, owner=f"{place}#4194999#{nonce}").acquire() is None
    assert find_holder(database, app_id) is None
    assert living.acquire() is None
    # and one that lives keeps it, also in this very process
    told = f"{socket.gethostname()[:48]}, process {os.getpid()}"
    assert ConnectionLease(database, app_id).acquire() == find_holder(database, app_id) == told


def test_owner_fits_its_column_whatever_the_machine_is_called(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "m" * 255)
    process_names._place.cache_clear()
    try:
        assert len(ConnectionLease(create_engine("sqlite://"), "cli_1").owner) <= connections.c.owner.type.length
    finally:
        process_names._place.cache_clear()


def test_database_that_is_down_is_said():
    lease = ConnectionLease(create_engine("postgresql+psycopg://root@127.0.0.1:1/none"), "cli_1")
    with pytest.raises(Unreachable):
        lease.acquire()
