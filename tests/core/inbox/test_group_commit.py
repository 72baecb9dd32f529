"""Many deliveries in one transaction: each caller hears of its own, and only after the commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.core.inbox import group_commit
from airflow_provider_lark.core.inbox.group_commit import TOGETHER_MAX, WRITERS, GroupCommit
from airflow_provider_lark.core.inbox.inbox import Outcome, Receipt
from airflow_provider_lark.core.inbox.sql_inbox import SqlInbox
from airflow_provider_lark.core.receiving.envelope import Delivery, read_delivery
from tests.core.receiving.sealing import click, event
from tests.tap import tapped

RING = Keyring.from_text("A" * 43 + "=")


class CountedInbox(SqlInbox):
    """Notes how many deliveries come at once."""

    sizes: list[int]

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self.sizes = [*getattr(self, "sizes", []), len(deliveries)]
        return super().put_all(deliveries)


@pytest.fixture(scope="module")
def database(new_database):
    engine = new_database("postgresql")
    upgrade(engine)
    return engine


@pytest.fixture
def inbox(database, request):
    return CountedInbox(database, RING, request.node.name[:60])


def told(number: int) -> Delivery:
    return read_delivery(event(event_id=f"e{number}"), now_ms=1)


async def put_many(commits: GroupCommit, numbers: Sequence[int]) -> list[Receipt | BaseException]:
    puts = (commits.put(told(number), seconds=60) for number in numbers)
    return await asyncio.gather(*puts, return_exceptions=True)


def test_what_comes_together_is_committed_together_and_told_apart(inbox):
    numbers = [*range(3 * TOGETHER_MAX), 0, 1]
    outcomes: list[Any] = asyncio.run(put_many(GroupCommit(inbox), numbers))
    assert [each.is_new for each in outcomes] == [True] * (3 * TOGETHER_MAX) + [False] * 2
    assert inbox.count().pending == 3 * TOGETHER_MAX
    assert sum(inbox.sizes) == len(numbers)
    assert max(inbox.sizes) == TOGETHER_MAX
    assert len(inbox.sizes) < 10


def test_one_that_is_refused_fails_alone(database, inbox):
    with database.begin() as conn:
        conn.execute(text("ALTER TABLE lark_inbox ADD CONSTRAINT not_seven CHECK (event_id <> 'e1007')"))
    outcomes = asyncio.run(put_many(GroupCommit(inbox), range(1000, 1020)))
    with database.begin() as conn:
        conn.execute(text("ALTER TABLE lark_inbox DROP CONSTRAINT not_seven"))
    assert [number for number, each in enumerate(outcomes) if isinstance(each, LarkError)] == [7]
    assert inbox.count().pending == 19


def test_batch_that_hangs_holds_up_no_other(database, inbox):
    """Another process has put in the same delivery, and does not commit."""
    inbox.put(told(2000))
    identity = told(2001).identities[0]

    async def run() -> Receipt:
        commits = GroupCommit(inbox)
        stuck = asyncio.create_task(commits.put(told(2001), seconds=60))
        await asyncio.sleep(0.1)
        receipt = await commits.put(told(2002), seconds=60)
        assert not stuck.done()
        blocker.rollback()
        assert (await stuck).is_new
        return receipt

    with database.connect() as blocker:
        words = "INSERT INTO lark_inbox_identities (identity, inbox_id) VALUES (:identity, 1)"
        blocker.execute(text(words), {"identity": identity})
        assert asyncio.run(run()).is_new


class Held:
    """Keeps nothing until it may."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.seen: list[str] = []
        self.at_once = 0

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self.at_once += 1
        assert self.may_go.wait(120)
        self.seen += [each.event_id for each in deliveries]
        return [Receipt() for _ in deliveries]


def test_what_nobody_waits_for_any_more_is_not_written(monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.01)
    held = Held()

    async def run() -> None:
        commits = GroupCommit(held)
        stuck = []
        for number in range(WRITERS):
            stuck.append(asyncio.create_task(commits.put(told(number), seconds=60)))
            while held.at_once <= number:
                await asyncio.sleep(0.001)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(commits.put(told(100), seconds=0.05), 0.05)
        late = asyncio.create_task(commits.put(told(101), seconds=60))
        held.may_go.set()
        await asyncio.gather(late, *stuck)

    asyncio.run(run())
    assert sorted(held.seen) == ["e0", "e1", "e101", "e2", "e3"]


def test_more_than_may_wait_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(group_commit, "WAITING_MAX", 5)
    held = Held()

    async def run() -> list[Any]:
        commits = GroupCommit(held)
        asyncio.get_running_loop().call_later(0.05, held.may_go.set)
        return await put_many(commits, range(8))

    outcomes = asyncio.run(run())
    assert [isinstance(each, Unreachable) for each in outcomes] == [False] * 5 + [True] * 3


def test_store_that_is_down_is_told_to_each(inbox):
    down = create_engine("postgresql+psycopg://root@127.0.0.1:1/none")
    outcomes = asyncio.run(put_many(GroupCommit(SqlInbox(down, RING, "cli_1")), range(5)))
    assert all(isinstance(each, Unreachable) for each in outcomes)


def pressed(number: int) -> Delivery:
    return read_delivery(click({"number": number}), now_ms=1)


def test_store_that_is_down_is_asked_for_clicks_and_for_few_events(database, request):
    with tapped(database.url.host, database.url.port or 5432) as tap:
        through = create_engine(database.url.set(host="127.0.0.1", port=tap.port), poolclass=NullPool)
        inbox = CountedInbox(through, RING, request.node.name[:60])

        async def run() -> None:
            commits = GroupCommit(inbox)
            tap.shut()
            for number in range(3000, 3040):
                with pytest.raises(Unreachable):
                    await commits.put(told(number), seconds=60)
            assert 1 <= len(inbox.sizes) < 20
            tried = len(inbox.sizes)
            with pytest.raises(Unreachable):
                await commits.put(pressed(1), seconds=60)
            assert len(inbox.sizes) == tried + 1
            tap.open()
            assert (await commits.put(pressed(2), seconds=60)).is_new
            assert (await commits.put(told(3040), seconds=60)).is_new

        asyncio.run(run())
