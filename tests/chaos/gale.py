"""A gale: a storm over tables made by hand, with other transactions in the middle, kills, and two workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.core.ledger.tables import metadata
from airflow_provider_lark.emulator.wire import Request
from tests.chaos import tables
from tests.chaos.arena import Arena, ChaosWorld, with_session
from tests.chaos.executioner import REFUSED, SURVIVED, Executioner, Moment
from tests.chaos.rival import Pace, Rival, Step
from tests.chaos.storm import Storm
from tests.clocks import JumpingClock
from tests.databases import EngineOf, hurry

MOMENTS: tuple[Moment, ...] = ("before call", "after call", "after commit")
KILLED = -9
#: a run of these storms has about as many statements
STATEMENTS = 60


class GaleWorld(ChaosWorld):
    """The world of the storms, with a row's team.

    :ivar rounds: whether Lark has rounded quantities: what it made of them then stays so, and so does SQL's.
    """

    rounds = False

    def assert_in_step(self) -> None:
        lark = {int(record["Code"]): _cells(record) for record in self.records()}
        sql = {code: _plain(row) for code, row in self.rows().items() if not row["gone"]}
        differing = {
            code: (lark.get(code), sql.get(code))
            for code in sorted(lark.keys() | sql.keys())
            if not self._agree(lark.get(code), sql.get(code))
        }
        assert not differing, differing
        assert len(self.records()) == len(lark), "two records with one key"

    def _agree(self, lark: dict[str, Any] | None, sql: dict[str, Any] | None) -> bool:
        if lark is None or sql is None or not self.rounds:
            return lark == sql
        ours, theirs = sql["qty"], lark["qty"]
        is_near = ours is not None and theirs is not None and theirs == round(theirs) and abs(ours - theirs) <= 0.5
        return (is_near or ours == theirs) and {**lark, "qty": None} == {**sql, "qty": None}


@dataclass
class Place:
    """One database, as a user with settings of their own meets it.

    :ivar admin: without those settings, for what makes and cleans the tables.
    """

    kind: str
    session: tables.Session
    engine: Engine
    admin: Engine

    @contextmanager
    def world(self, arena: Arena, clock: JumpingClock, variant: str) -> Iterator[GaleWorld]:
        """Make both tables, and take them and the ledger's content away afterwards."""
        with self.admin.begin() as conn:
            for statement in tables.create_statements(self.kind, variant):
                conn.exec_driver_sql(statement)
        base = arena.state.create_base("Shop")
        lark = arena.state.create_table(base.app_token, "people", tables.LARK_FIELDS)
        known = ["code", "name", "qty", "done", "gone", "lark_id", "team"]
        # without the database's own column: not every session's dates are read by every driver
        table = sa.Table("people", sa.MetaData(), autoload_with=self.admin, include_columns=known, resolve_fks=False)
        try:
            with LarkClient(
                arena.app_id, arena.app_secret, arena.url, clock=clock, rate_share=None, max_attempts=3
            ) as client:
                world = GaleWorld(arena, self.engine, client, base.app_token, lark.table_id, table)
                world.clock = clock
                world.session = self.session.statements if self.kind != "postgresql" else ()
                yield world
        finally:
            arena.calm()
            arena.page_size = None
            self._clean()

    def _clean(self) -> None:
        # PostgreSQL's prepared statements do not outlive that a table of the same name has other types
        self.engine.dispose()
        with self.admin.begin() as conn:
            conn.exec_driver_sql("DROP TABLE people")
            conn.exec_driver_sql("DROP TABLE team")
            for name in set(metadata.tables) & set(sa.inspect(conn).get_table_names()):
                conn.execute(text(f"DELETE FROM {name}"))
        self.admin.dispose()


class Places:
    """The databases of one worker, made when they are first needed."""

    def __init__(self, new_database: EngineOf) -> None:
        self._new_database = new_database
        self._servers: dict[str, Engine] = {}
        self._known: dict[tuple[str, str], Place] = {}

    def find(self, kind: str, session: tables.Session) -> Place:
        """Return the place of a kind of database and of a user's settings."""
        known = (kind, session.name)
        if known not in self._known:
            self._known[known] = self._make(kind, session)
        return self._known[known]

    def _make(self, kind: str, session: tables.Session) -> Place:
        # PostgreSQL's settings lie with the database, the others' with the connection
        admin = self._servers.get(kind) if kind == "mysql" else None
        if admin is None:
            admin = self._servers[kind] = self._new_database(kind)
            migrate.upgrade(admin)
        if kind == "postgresql":
            with admin.begin() as conn:
                name = conn.scalars(text("SELECT current_database()")).one()
                for setting in (*session.statements, "deadlock_timeout = '40ms'"):
                    conn.exec_driver_sql(f"ALTER DATABASE {name} SET {setting}")
            admin.dispose()
        engine = hurry(create_engine(admin.url, **({"poolclass": NullPool} if kind == "sqlite" else {"pool_size": 8})))
        if kind != "postgresql":
            with_session(engine, session.statements)
        return Place(kind, session, engine, admin)


@dataclass
class Gale(Storm):
    """One seed's story, with real concurrency.

    :ivar counts: how often what happened, for the end of a campaign.
    """

    executioner: Executioner | None = None
    variant: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def actions(self) -> dict[Callable[[], None], int]:
        return {
            **super().actions(),
            self.contend: 6,
            self.meddle: 4,
            self.kill: 1,
            self.two_workers: 1,
            self.half_answers: 2,
            self.lock_base: 1,
            self.poison: 1,
            self.hide: 1,
            self.near_miss: 1,
        }

    def begin(self) -> None:
        super().begin()
        self.pace = Pace()

    def changes(self, side: str) -> dict[str, Any]:
        made = super().changes(side)
        if self.dice.random() < 0.4:
            made["team"] = self.dice.choice([None, *range(1, tables.TEAMS + 1)])
        return made

    def sql_row(self, code: int) -> dict[str, Any] | None:
        row = super().sql_row(code)
        return None if row is None else {**row, "team": self.world.rows()[code]["team"]}

    def lark_row(self, code: int) -> dict[str, Any] | None:
        row = super().lark_row(code)
        return None if row is None else {**row, "team": self.world.by_code()[code].get("Team")}

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # other programs, at the same time

    def contend(self) -> None:
        """Let one or two transactions of other programs be open while a run's are."""
        pace = Pace()
        engine = create_engine(self.world.sql.url, poolclass=NullPool)
        with_session(hurry(engine), self.world.session)
        plans = [self._plan() for _ in range(self.dice.choice([1, 1, 2]))]
        rivals = [Rival(engine, pace, steps, commits=self.dice.random() < 0.85) for steps, _ in plans]
        for rival in rivals:
            rival.start()
        with pace.counted(self.world.sql):
            self.run()
        ended = [(rival.end(), rival.turn, seen) for rival, (_, seen) in zip(rivals, plans, strict=True)]
        for outcome, _, seen in sorted(ended, key=lambda one: one[1]):
            self.count(f"rival {outcome}")
            self.tell(f"rival {outcome}: {seen}")
            if outcome == "committed":
                self.touched["sql"] |= seen.keys()
                self.wanted["sql"] |= seen

    def _plan(self) -> tuple[list[tuple[int, Step]], dict[int, dict[str, Any] | None]]:
        """Return the steps of a transaction, and where it notes the rows as it leaves them."""
        seen: dict[int, dict[str, Any] | None] = {}
        moments = sorted(self.dice.randint(0, STATEMENTS) for _ in range(self.dice.randint(2, 4)))
        return [(moment, self._step(seen)) for moment in moments], seen

    def _step(self, seen: dict[int, dict[str, Any] | None]) -> Step:
        rows = list(self.world.rows())
        code = self.pick(rows)
        dice = self.dice.random()
        table = self.world.table
        if dice < 0.3 or code is None:
            team = self.dice.randint(1, tables.TEAMS)
            return lambda conn: _say(conn, f"UPDATE team SET members = members + 1 WHERE id = {team}")
        if dice < 0.75:
            changes = self.changes("sql")
            return self._noting(seen, code, table.update().where(table.c.code == code).values(**changes))
        if dice < 0.85:
            return self._noting(seen, code, table.delete().where(table.c.code == code))
        self.serial += 1
        row = {"code": 1000 + self.serial, "name": self.value("sql"), "team": self.dice.randint(1, tables.TEAMS)}
        return self._noting(seen, row["code"], table.insert().values(row))

    def _noting(self, seen: dict[int, dict[str, Any] | None], code: int, statement: Any) -> Step:
        table = self.world.table

        def step(conn: Connection) -> None:
            if conn.execute(statement).rowcount == 0 and code not in seen:
                # deleted meanwhile
                return
            # with its lock: a snapshot shows a row as it was, where the update has found it as it was to be
            newest = sa.select(table).where(table.c.code == code).with_for_update()
            row = conn.execute(newest).mappings().one_or_none()
            seen[code] = None if row is None else _plain(row)

        return step

    def meddle(self) -> None:
        """Let people and programs write between two calls of a run."""
        arena = self.world.emu
        assert isinstance(arena, Arena)
        moments = {self.dice.randint(1, 12) for _ in range(self.dice.randint(1, 3))}
        number = 0

        def hook(request: Request) -> bool:
            nonlocal number
            number += 1
            if number in moments:
                self.tell(f"before call {number}, {request.method} {request.path.rsplit('/', 1)[-1]}:")
                self.dice.choice([self.edit_lark, self.edit_lark, self.edit_sql, self.add_lark, self.delete_lark])()
            return False

        arena.before, self.amid_run = hook, True
        try:
            self.run()
        finally:
            arena.before, self.amid_run = None, False
        self.count("meddled run")

    # what Lark does

    def half_answers(self) -> None:
        """Let Lark say that all is well and leave out what it was asked for, or tell of what was."""
        action = self.dice.choice(["no_data", "null_data", "empty_data", "stale"])
        # a search that forgets a write which Lark has confirmed is against its word on consistency
        match = "batch_get" if action == "stale" else self.dice.choice(["search", "batch_get", "records"])
        self.world.emu.faults.add(match, action=action, times=self.dice.choice([1, 2]), skip=self.dice.choice([0, 1]))
        self.tell(f"half answers {action} of {match}")

    def lock_base(self) -> None:
        seconds = self.dice.choice([0.5, 1.5, 20.0])
        self.world.emu.lock_base(self.world.app_token, seconds)
        self.tell(f"the base is locked for {seconds} s")

    def poison(self) -> None:
        """Let every batch with one certain record fail, and let a run meet that."""
        code = self.pick(self.codes())
        if code is None:
            return
        status, answer = self.dice.choice([(500, 1255001), (200, 1254002), (400, 1254999)])
        fault = {"record": self.world.record_id(code), "code": answer, "status": status, "times": None}
        self.world.emu.faults.add("batch_(create|update|delete)", **fault)
        self.tell(f"lark {code} poisons its batch: {status} {answer}")
        self.run()

    def near_miss(self) -> None:
        """Let Lark say yes to quantities, and round them."""
        told, times = self.dice.choice([True, False]), self.dice.choice([1, 2, None])
        assert isinstance(self.world, GaleWorld)
        self.world.rounds = True
        self.world.emu.faults.add(
            "batch_(create|update)", action="round", field="Qty", digits=0, told=told, times=times
        )
        self.tell(f"quantities are rounded, {'told' if told else 'not told'}, {times} times")
        self.run()

    def hide(self) -> None:
        """Take some records out of the app's sight, until the calm."""
        codes = self.codes()
        hidden = [self.world.record_id(code) for code in self.dice.sample(codes, min(2, len(codes)))]
        self.world.emu.state.hide_records(self.world.app_token, self.world.table_id, hidden)
        self.tell(f"hidden: {hidden}")
        self.run()

    def rest(self) -> None:
        world = self.world
        world.emu.state.show_records(world.app_token, world.table_id)
        # what was given up while Lark refused it: the operator has seen it, and lets it be tried again
        world.execute("UPDATE sync_queue SET status = 'pending', retry_count = 0 WHERE status = 'failed'")
        super().rest()

    # other workers, and what becomes of them

    def kill(self) -> None:
        """Kill a run at a call or a commit."""
        assert self.executioner is not None
        moment, number = self.dice.choice(MOMENTS), self.dice.randint(1, 14)
        operation = self.dice.choice(["incremental", "incremental", "full"])
        status = self.executioner.execute(self.world, operation, moment, number)
        assert status in (SURVIVED, REFUSED, KILLED), f"the run ended with {status}"
        self.count("killed" if status == KILLED else "survived")
        self.tell(f"{operation} killed {moment} {number}: {status}")

    def two_workers(self) -> None:
        """Let a second process run the same table at the same time."""
        assert self.executioner is not None
        ended: list[int] = []

        def work() -> None:
            assert self.executioner is not None
            ended.append(self.executioner.execute(self.world, "incremental", "never", 0))

        other = threading.Thread(target=work)
        other.start()
        self.run()
        other.join()
        assert set(ended) <= {SURVIVED, REFUSED}, f"the other worker ended with {ended}"
        self.count("two workers")
        self.tell(f"beside another worker: {ended}")


def _say(conn: Connection, statement: str) -> None:
    conn.execute(text(statement))


def _cells(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": record.get("Name", ""),
        "qty": record.get("Qty"),
        "done": bool(record.get("Done")),
        "team": record.get("Team"),
    }


def _plain(row: Any) -> dict[str, Any]:
    return {
        "name": row["name"],
        "qty": None if row["qty"] is None else float(row["qty"]),
        "done": bool(row["done"]),
        "team": row["team"],
    }
