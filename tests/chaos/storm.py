"""A storm: seeded edits on both sides, engine runs and faults in any order; and the calm in which all must agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.errors import LarkError
from tests.chaos.arena import ChaosWorld
from tests.sync.world import wrote

ROWS = 12
HOT = 3
STEPS = 14
#: a calm is reached when a run writes nothing; so many runs may be needed to get there
RUNS_TO_CALM = 4

WRITES = "batch_(create|update|delete)"
#: what may go wrong: the routes and the fault
TROUBLES: list[tuple[str, dict[str, Any]]] = [
    ("records", {"code": 99991400}),
    ("records", {"code": 1254290}),
    (WRITES, {"code": 1254291}),
    (WRITES, {"code": 1254607}),
    ("records", {"action": "drop_before"}),
    ("records", {"action": "drop_after"}),
    (WRITES, {"action": "drop_after"}),
    (WRITES, {"action": "error_after", "code": 1255040, "status": 504}),
    ("records", {"action": "bad_json"}),
    (WRITES, {"action": "bad_json"}),
    ("records", {"action": "expire_tokens"}),
    ("records", {"code": 1255002, "status": 500}),
    ("fields", {"action": "drop_before"}),
]
LOST_ANSWERS: list[dict[str, Any]] = [
    {"action": "drop_after"},
    {"action": "bad_json"},
    {"action": "error_after", "code": 1255040, "status": 504},
]
#: both readings of what Lark leaves open, as far as an engine can tell them apart
SWITCHES: dict[str, tuple[Any, ...]] = {
    "noop_update_touches": (True, False),
    "page_token_binds_page_size": (True, False),
    "limited_status": (429, 400),
    "auth_status": (400, 401, 200),
    "client_token_window_seconds": (6 * 3600.0, 5.0),
    "splits_urls": (False, True),
    "unsorted": ("oldest_first", "newest_first"),
    "hidden_record_code": (1254302, 1254043),
}


@dataclass
class Storm:
    """One seed's story.

    :ivar story: what was done, for a person to read when it ends badly.
    :ivar amid_run: whether what happens now happens between two calls of a run.
    """

    world: ChaosWorld
    seed: int
    policy: dict[str, Any]
    story: list[str] = field(default_factory=list)
    touched: dict[str, set[int]] = field(default_factory=lambda: {"sql": set(), "lark": set()})
    wanted: dict[str, dict[int, dict[str, Any] | None]] = field(default_factory=lambda: {"sql": {}, "lark": {}})
    keyless: set[str] = field(default_factory=set)
    serial: int = 0
    amid_run: bool = False

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def blow(self, rounds: int = 2) -> None:
        """Let it happen; after each round both sides must agree."""
        actions = self.actions()
        self.begin()
        for _ in range(rounds):
            for _ in range(STEPS):
                self.dice.choices(list(actions), weights=list(actions.values()))[0]()
            self.rest()

    def actions(self) -> dict[Callable[[], None], int]:
        """Return what may happen, and how often beside the others."""
        return {
            self.edit_sql: 5,
            self.edit_lark: 5,
            self.insert_sql: 2,
            self.add_lark: 2,
            self.delete_sql: 1,
            self.delete_lark: 1,
            self.trouble: 4,
            self.lose_answers: 4,
            self.run: 7,
            self.wait: 2,
        }

    def begin(self) -> None:
        self.world.ready(ROWS, **self.policy)
        emu = self.world.emu
        many_pages = self.dice.random() < 0.5
        emu.page_size = 5 if many_pages else None  # type: ignore[attr-defined]  # the arena's
        for name, values in SWITCHES.items():
            setattr(emu.switches, name, self.dice.choice(values))
        if not many_pages:
            emu.switches.replica_lag_seconds = self.dice.choice([0.0, 3.0])
            emu.switches.sort_ms_exact = self.dice.choice([True, False])
        self.tell(f"page_size {emu.page_size}, lag {emu.switches.replica_lag_seconds}")  # type: ignore[attr-defined]

    def tell(self, text: str) -> None:
        self.story.append(text)

    # what people and programs do

    def value(self, side: str) -> str:
        self.serial += 1
        # every third one is an address, which Lark may read as a segment of its own
        return f"{side}-{self.serial}" if self.serial % 3 else f"http://{side}/{self.serial}"

    def changes(self, side: str) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.value(side), "qty": self.dice.choice([None, 1, 2.5, 7])}
        made["done"] = self.dice.random() < 0.5
        return {name: made[name] for name in self.dice.sample(list(made), self.dice.randint(1, 3))}

    def pick(self, codes: list[int]) -> int | None:
        """Return one of *codes*, most often one of a few, so that the same rows are met again and again."""
        hot = [code for code in codes if code <= HOT]
        if hot and self.dice.random() < 0.6:
            codes = hot
        return self.dice.choice(sorted(codes)) if codes else None

    def edit_sql(self) -> None:
        code = self.pick(list(self.world.rows()))
        if code is not None:
            changes = self.changes("sql")
            self.world.update(code, **changes)
            self.note("sql", code, f"UPDATE {changes}")

    def insert_sql(self) -> None:
        self.serial += 1
        code = self.dice.choice([*self.free_codes(set(self.world.rows())), 1000 + self.serial])
        row = {"code": code, "name": self.value("sql"), "qty": 1}
        self.world.insert(row)
        self.note("sql", code, f"INSERT {row}")

    def delete_sql(self) -> None:
        code = self.pick(list(self.world.rows()))
        if code is not None:
            self.world.delete(code)
            self.note("sql", code, "DELETE")

    def edit_lark(self) -> None:
        code = self.pick(self.codes())
        if code is not None:
            changes = {name.title(): value for name, value in self.changes("lark").items()}
            self.world.edit(code, **changes)
            self.note("lark", code, f"edit {changes}")

    def add_lark(self) -> None:
        self.serial += 1
        code = self.dice.choice([*self.free_codes(set(self.codes())), 5000 + self.serial])
        if self.dice.random() < 0.2:
            name = self.value("lark")
            self.keyless.add(name)
            self.world.add(Name=name)
            self.tell("lark: add without a key")
            return
        self.world.add(Code=code, Name=self.value("lark"), Qty=3)
        self.note("lark", code, "add")

    def delete_lark(self) -> None:
        code = self.pick(self.codes())
        if code is not None:
            self.world.remove(code)
            self.note("lark", code, "delete")

    def free_codes(self, used: set[int]) -> list[int]:
        """Return keys that were given up.

        While Lark shows new records late, or a run is under way, a key that is free on one side only is not taken: the
        run could not see that the other side has it, and two records with one key would wait for a person.
        """
        if self.world.emu.switches.replica_lag_seconds or self.amid_run:
            used = set(self.world.rows()) | set(self.codes())
        return sorted(set(range(1, ROWS + 1)) - used)

    def codes(self) -> list[int]:
        return [int(code) for code in self.world.by_code() if code is not None]

    def note(self, side: str, code: int, what: str) -> None:
        self.tell(f"{side} {code}: {what}")
        self.touched[side].add(code)
        self.wanted[side][code] = self.sql_row(code) if side == "sql" else self.lark_row(code)

    def sql_row(self, code: int) -> dict[str, Any] | None:
        row = self.world.rows().get(code)
        if row is None:
            return None
        return {"name": row["name"], "qty": _number(row["qty"]), "done": bool(row["done"])}

    def lark_row(self, code: int) -> dict[str, Any] | None:
        record = self.world.by_code().get(code)
        if record is None:
            return None
        return {
            "name": record.get("Name", ""),
            "qty": _number(record.get("Qty")),
            "done": bool(record.get("Done")),
        }

    # what the world does

    def trouble(self) -> None:
        match, fault = self.dice.choice(TROUBLES)
        how = {"times": self.dice.choice([1, 2, 9]), "skip": self.dice.choice([0, 0, 1, 2])}
        self.world.emu.faults.add(match, **fault, **how)
        self.tell(f"trouble {match} {fault} {how}")

    def lose_answers(self) -> None:
        """Let a run write to Lark and never hear of it, however often it asks."""
        fault = self.dice.choice(LOST_ANSWERS)
        self.world.emu.faults.add(WRITES, **fault, times=None, skip=self.dice.choice([0, 0, 1]))
        self.tell(f"lost answers {fault}")
        self.run()
        self.world.emu.faults.clear()

    def wait(self) -> None:
        seconds = self.dice.choice([0.5, 5, 90])
        self.world.clock.sleep(seconds)
        self.tell(f"wait {seconds}")

    def run(self) -> None:
        operation = self.dice.choices(["incremental", "full", "check"], weights=[7, 2, 1])[0]
        try:
            report = getattr(self.world.engine(), operation)()
            self.tell(f"{operation}: {report.summary()} {report.problems}")
        except LarkError as error:
            self.tell(f"{operation} raised {type(error).__name__}: {error}")
        if self.dice.random() < 0.5:
            self.world.emu.faults.clear()

    # the calm

    def rest(self) -> None:
        world = self.world
        self.mistype_a_key()
        world.emu.faults.clear()
        world.emu.switches.replica_lag_seconds = 0.0
        engine = world.engine()
        for _ in range(RUNS_TO_CALM):
            world.let_time_pass()
            report = engine.incremental()
            self.tell(f"calm: {report.summary()} {report.problems}")
            if wrote(report) == (0, 0) and not report.failed:
                break
        else:
            raise AssertionError(f"no calm after {RUNS_TO_CALM} runs")
        world.assert_in_step()
        full = engine.full()
        self.tell(f"full: {full.summary()}")
        assert wrote(full) == (0, 0), "incremental runs alone did not bring both sides in step"
        world.assert_in_step()
        self.assert_nothing_lost()
        assert engine.check().in_step
        idle = engine.incremental()
        assert (wrote(idle), idle.unsettled) == ((0, 0), 0)
        assert {kind: n for kind, n in idle.api_calls.items() if kind not in ("token", "total")} == {
            "fields": 1,
            "search": 1,
        }
        assert not world.unsettled()

    def mistype_a_key(self) -> None:
        """Let a person overwrite the key of a record that has a row: the row's key has to come back."""
        code = self.pick(sorted(set(self.codes()) & set(self.world.rows())))
        paired = {row.lark_record_id for row in self.world.ask("SELECT lark_record_id FROM sync_record_map")}
        if code is not None and self.world.record_id(code) in paired:
            self.serial += 1
            self.world.edit(code, Code=7000 + self.serial)
            self.tell(f"lark {code}: its key is overwritten")

    def assert_nothing_lost(self) -> None:
        """A row that only one side touched since the last calm is now what that side last wrote."""
        for side, other in (("sql", "lark"), ("lark", "sql")):
            for code in self.touched[side] - self.touched[other]:
                wanted, found = self.wanted[side][code], self.sql_row(code)
                if wanted is None and found is not None and found["name"] in self.keyless:
                    # SQLite has given the key of a deleted row to a new one
                    continue
                assert found == wanted, f"row {code}: {side} wrote {wanted}, SQL has {found}"
            self.wanted[side] = {}
        self.touched = {"sql": set(), "lark": set()}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
