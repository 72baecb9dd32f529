"""One trial of plan against run: a random table and mapping, random edits on both sides, and what became of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.ledger import tables as ledger_tables
from airflow_provider_lark.core.sync.plan.actions import Action
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.plan.rows import MADE_KEY
from airflow_provider_lark.core.sync.pull.persist import WAITS
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.emulator import Emulator

ANY = object()
"""A value that only the run can know: a key that the database makes, the id of a new record."""

WORDS = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen")
VALUES = {"name": 1, "qty": 2, "done": 7}
SIZE = "CASE WHEN qty > 50 THEN 'large' WHEN qty > 25 THEN 'medium' ELSE 'small' END"
"""What the database makes of a row's quantity, which most edits leave as it is."""
KEYS = {"number": {"code": 2}, "text": {"code": 1}, "pair": {"shop": 2, "code": 1}}

Row = dict[str, Any]
Effects = dict[tuple[str, str], tuple[str, dict[str, tuple[Any, Any]]]]
"""What becomes of a row: by side and name the kind, and of each column the value before and after."""


def make_table(dialect: str, key: str, name: str) -> sa.Table:
    """Return a table with a key of one kind, the columns that are mapped and two of the sync's own.

    :param name: the default of the column of that name.
    """
    text = sa.String(20, collation={"sqlite": "BINARY", "mysql": "utf8mb4_bin"}.get(dialect))
    types = {"code": sa.Integer if key == "number" else text, "shop": sa.Integer}
    own = [sa.Column(name, types[name], primary_key=True, autoincrement=key == "number") for name in KEYS[key]]
    return sa.Table(
        "goods",
        sa.MetaData(),
        *own,
        sa.Column("name", sa.String(40), nullable=False, server_default=name),
        sa.Column("qty", sa.Numeric(10, 2)),
        sa.Column("size", text, sa.Computed(SIZE, persisted=dialect == "postgresql" or None)),
        sa.Column("done", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("gone", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("lark_id", sa.String(40)),
        sqlite_autoincrement=key == "number",
    )


def make_options(dice: random.Random) -> dict[str, Any]:
    """Return the options of a random mapping."""
    options: dict[str, Any] = {
        "direction": dice.choice(["both", "both", "to_lark", "to_sql"]),
        "conflict": dice.choice(["newest", "lark", "sql", "merge:lark", "merge:sql", "merge:newest", "manual"]),
        "deletes": dice.choice(["propagate", "propagate", "ignore", "soft:gone"]),
        "batch_size": dice.choice([2, 3, 500]),
        "max_delete_ratio": dice.choice([0.0, 1.0, 1.0]),
        "max_delete_rows": dice.choice([1, 3]),
        # by clocks that are read twice nobody can tell who was first
        "skew_seconds": 3600,
    }
    if dice.random() < 0.3:
        options["record_id_column"] = "lark_id"
    return options


def plain(value: Any) -> Any:
    """Return *value* so that both sides' and the plan's compare: nothing, no text and no tick are one."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "text" in value[0]:
        value = "".join(part["text"] for part in value)
    if value is None or value is False or value == "":
        return None
    if isinstance(value, str) and value.startswith(NEW_RECORD):
        return ANY
    return value if isinstance(value, (str, bool)) else Decimal(str(value)).normalize()


@dataclass
class Trial:
    """A table on either side, and the edits on them.

    :param filtered: with filters, of one side or of both.
    :ivar story: what was done, for whoever has to find out why a trial failed.
    """

    emu: Emulator
    client: LarkClient
    sql: sa.Engine
    seed: int
    filtered: bool = False
    dice: random.Random = field(init=False)
    story: list[str] = field(init=False, default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.kind = self.dice.choice([*KEYS])
        self.options = make_options(self.dice)
        self.key = KEYS[self.kind]
        base = self.emu.state.create_base("Shop")
        shown = {**self.key, **VALUES, "size": 1}
        definitions = [{"field_name": name, "type": kind} for name, kind in shown.items()]
        self.base = base.app_token
        self.table_id = self.emu.state.create_table(self.base, "goods", definitions).table_id
        self.table = make_table(self.sql.dialect.name, self.kind, self.dice.choice(["", "", "new"]))
        self.story.append(f"{self.sql.dialect.name}, seed {self.seed}, key {self.kind}, {self.options}")
        fields = [{"field": name, "column": name} for name in self.key]
        self.has_one_way = False
        for name in VALUES:
            way = (
                self.dice.choice([None, None, None, "to_sql", "to_lark"])
                if self.options["direction"] == "both"
                else None
            )
            self.has_one_way = self.has_one_way or way == "to_sql"
            fields.append({"field": name, "column": name, **({"direction": way} if way else {})})
        if self.options["direction"] != "to_sql":
            fields.append({"field": "size", "column": "size", "direction": "to_lark"})
        lark: dict[str, Any] = {"app_token": self.base, "table_id": self.table_id}
        sql: dict[str, Any] = {"table": "goods"}
        if self.filtered:
            self.options["leaving"] = self.dice.choice(["keep", "delete"])
            for side in self.dice.choice([(lark,), (sql,), (lark, sql)]):
                side["filter"] = self.dice.choice([{"done": False}, {"qty": {"isLess": 60}}])
            self.story.append(f"filters {lark.get('filter')} {sql.get('filter')} {self.options['leaving']}")
        self.mapping = TableMapping.from_dict({"lark": lark, "sql": sql, "fields": fields, **self.options})

    @contextmanager
    def at_work(self) -> Iterator[Trial]:
        """Have the table made, and dropped afterwards."""
        self.table.create(self.sql)
        if self.kind == "number":
            # no key that the database makes is one that a person or a program gives, now or later
            row = {"code": 999}
            self.execute(self.table.insert(), [row])
            self.execute(self.table.delete())
            if self.sql.dialect.name == "postgresql":
                self.execute("SELECT setval(pg_get_serial_sequence('goods', 'code'), 999)")
        try:
            yield self
        finally:
            self.engine().uninstall()
            self.execute("DELETE FROM sync_blacklist")
            self.table.drop(self.sql)

    def engine(self) -> SyncEngine:
        self.runs += 1
        return SyncEngine(self.client, self.sql, self.mapping, lease_wait_seconds=0, run_id=f"{self.seed}/{self.runs}")

    # what stands there

    def rows(self) -> dict[str, Row]:
        with self.sql.connect() as conn:
            found = [dict(row._mapping) for row in conn.execute(sa.select(self.table))]
        # what the database makes of a row nobody writes
        written = [column.name for column in self.table.columns if column.computed is None]
        return {self.name_of(row): {name: plain(row[name]) for name in written} for row in found}

    def records(self) -> dict[str, Row]:
        found = self.emu.person.records(self.base, self.table_id)
        names = [*self.key, *VALUES, "size"]
        return {each["record_id"]: {name: plain(each["fields"].get(name)) for name in names} for each in found}

    def ledger(self) -> dict[str, list[str]]:
        """Return all that the ledger holds."""
        with self.sql.connect() as conn:
            return {
                table.name: sorted(str(tuple(row)) for row in conn.execute(sa.select(table)))
                for table in ledger_tables.metadata.sorted_tables
                if self.sql.dialect.has_table(conn, table.name)
            }

    def name_of(self, row: Mapping[str, Any]) -> str:
        """Return the key as the ledger writes it."""
        texts = [str(int(row[name])) if kind == 2 else str(row[name]) for name, kind in self.key.items()]
        return texts[0] if len(texts) == 1 else json.dumps(texts, separators=(",", ":"))

    def ask(self, statement: str) -> list[Any]:
        with self.sql.connect() as conn:
            return list(conn.execute(sa.text(statement)).all())

    def execute(self, statement: Any, *values: Any) -> None:
        with self.sql.begin() as conn:
            conn.execute(sa.text(statement) if isinstance(statement, str) else statement, *values)

    # edits

    def edit(self, steps: int) -> None:
        """Make random edits on either side."""
        for _ in range(steps):
            deed = self.dice.choice(DEEDS)
            self.story.append(f"{deed.__name__[1:]} {deed(self)}")

    def some_key(self) -> Row:
        number, word = self.dice.randint(1, 12), self.dice.choice(WORDS)
        given: dict[str, Row] = {
            "number": {"code": number},
            "text": {"code": word},
            "pair": {"shop": number % 3, "code": word},
        }
        return given[self.kind]

    def some_values(self, least: int = 1) -> Row:
        names = self.dice.sample([*VALUES], self.dice.randint(least, 3))
        made = {
            "name": f"v{self.dice.randint(0, 99)}",
            "qty": self.dice.randint(0, 400) / 4,
            "done": self.dice.random() < 0.5,
        }
        return {name: made[name] for name in names}

    def some_row(self) -> Row | None:
        with self.sql.connect() as conn:
            found = [
                dict(row._mapping) for row in conn.execute(sa.select(self.table).order_by(*self.table.primary_key))
            ]
        return self.dice.choice(found) if found else None

    def some_record(self) -> str | None:
        found = sorted(self.records().items(), key=lambda each: json.dumps(each, default=str))
        return self.dice.choice(found)[0] if found else None

    def of(self, row: Mapping[str, Any]) -> list[Any]:
        return [self.table.c[name] == row[name] for name in self.key]

    def settle(self) -> None:
        """Bring both sides together where that can be."""
        for work in (self.engine().full, self.engine().incremental):
            try:
                work()
            except SafetyStop:
                self.story.append("held")


def _insert(trial: Trial) -> Any:
    row = {**trial.some_key(), **trial.some_values()}
    if trial.kind == "number" and trial.dice.random() < 0.2 and trial.sql.dialect.name != "postgresql":
        del row["code"]
    elif trial.name_of(row) in trial.rows():
        return None
    trial.execute(trial.table.insert(), [row])
    return row


def _update(trial: Trial) -> Any:
    row, values = trial.some_row(), trial.some_values()
    if row is not None:
        trial.execute(trial.table.update().where(*trial.of(row)).values(**values))
    return trial.name_of(row) if row else None, values


def _delete(trial: Trial) -> Any:
    row = trial.some_row()
    if row is None:
        return None
    soft = trial.options["deletes"] == "soft:gone" and trial.dice.random() < 0.7
    change = trial.table.update().values(gone=not row["gone"]) if soft else trial.table.delete()
    trial.execute(change.where(*trial.of(row)))
    return trial.name_of(row), soft


def _replace(trial: Trial) -> Any:
    """Delete a row and insert another one under its key."""
    row = trial.some_row()
    if row is None:
        return None
    trial.execute(trial.table.delete().where(*trial.of(row)))
    trial.execute(trial.table.insert(), [{name: row[name] for name in trial.key} | trial.some_values()])
    return trial.name_of(row)


def _rekey(trial: Trial) -> Any:
    row, key = trial.some_row(), trial.some_key()
    if row is None or trial.name_of(key) in trial.rows():
        return None
    trial.execute(trial.table.update().where(*trial.of(row)).values(**key))
    return trial.name_of(row), trial.name_of(key)


def _add(trial: Trial) -> Any:
    cells = {**trial.some_key(), **trial.some_values()}
    if trial.dice.random() < 0.2:
        cells = {name: cell for name, cell in cells.items() if name not in trial.key}
    trial.emu.person.add_record(trial.base, trial.table_id, cells)
    return cells


def _change(trial: Trial) -> Any:
    record, cells = trial.some_record(), trial.some_values()
    if trial.dice.random() < 0.2:
        cells[trial.dice.choice([*VALUES])] = None
    if trial.dice.random() < 0.1:
        cells |= trial.some_key()
    if record is not None:
        trial.emu.person.edit_record(trial.base, trial.table_id, record, cells)
    return record, cells


def _remove(trial: Trial) -> Any:
    record = trial.some_record()
    if record is not None:
        trial.emu.person.delete_record(trial.base, trial.table_id, record)
    return record


def _cut(trial: Trial) -> Any:
    """Cut a record and paste it: another one with the same cells."""
    record = trial.some_record()
    if record is None:
        return None
    cells = {name: _wire(cell) for name, cell in trial.records()[record].items() if cell is not None}
    trial.emu.person.add_record(trial.base, trial.table_id, cells)
    if trial.dice.random() < 0.7:
        trial.emu.person.delete_record(trial.base, trial.table_id, record)
    return record


def _hide(trial: Trial) -> Any:
    record = trial.some_record()
    if trial.dice.random() < 0.5:
        trial.emu.state.show_records(trial.base, trial.table_id)
        return "none"
    if record is not None:
        trial.emu.state.hide_records(trial.base, trial.table_id, [record])
    return record


def _resolve(trial: Trial) -> Any:
    winner = trial.dice.choice(["lark", "sql"])
    trial.execute(f"UPDATE sync_conflict SET outcome = '{winner}' WHERE status = 'open'")
    return winner


def _hurry(trial: Trial) -> Any:
    """Let what waits for another try be tried now."""
    trial.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")


def _block(trial: Trial) -> Any:
    key = trial.name_of(trial.some_key())
    if trial.dice.random() < 0.3:
        trial.execute(sa.text("INSERT INTO sync_blacklist (record_id, reason) VALUES (:key, 'x')"), {"key": key})
        return key
    trial.execute("DELETE FROM sync_blacklist")
    return None


def _wire(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else cell


DEEDS = (
    *[_insert, _update, _update, _update, _delete, _delete, _replace, _rekey] * 2,
    *[_add, _change, _change, _change, _remove, _remove, _cut] * 2,
    *[_hide, _resolve, _hurry, _block],
)


def foreseen(trial: Trial, actions: Iterable[Action]) -> Effects:
    """Return what a plan says that becomes of each row in the end."""
    effects: Effects = {}
    made: dict[str, str] = {}
    for action in actions:
        if action.kind not in ("create", "update", "link", "delete"):
            continue
        if action.key == MADE_KEY:
            made[action.record_id] = action.record_id
        if action.side == "sql":
            name = f"made for {action.record_id}" if action.key == MADE_KEY else action.key
        else:
            # a record that Lark will make has no id yet
            new = action.kind == "create" or not action.record_id
            name = f"new of {action.key}" if new else action.record_id
        changes = {each.column: (plain(each.old), ANY if each.made_by else plain(each.new)) for each in action.changes}
        if action.side == "lark" and action.record_id in made:
            # the key that the database makes is written back
            changes |= {column: (changes[column][0], ANY) for column in trial.key if column in changes}
        _fold(effects, (action.side, name), "update" if action.kind == "link" else action.kind, changes)
    return {name: effect for name, effect in effects.items() if effect[0] == "delete" or effect[1]}


def _fold(effects: Effects, name: tuple[str, str], kind: str, changes: dict[str, tuple[Any, Any]]) -> None:
    earlier = effects.pop(name, None)
    if earlier is not None:
        before = earlier[1]
        if kind == "delete" and earlier[0] == "create":
            return
        first = {column: before.get(column, change)[0] for column, change in changes.items()}
        changes = before | {column: (first[column], change[1]) for column, change in changes.items()}
        kind = "delete" if kind == "delete" else earlier[0]
    if kind == "delete":
        changes = {}
    effects[name] = (kind, {column: pair for column, pair in changes.items() if pair[0] != pair[1]})


def happened(trial: Trial, before: tuple[Any, Any], after: tuple[Any, Any]) -> Effects:
    """Return what became of each row."""
    effects: Effects = {}
    soft = trial.options["deletes"] == "soft:gone"
    for side, old, new in zip(("sql", "lark"), before, after, strict=True):
        for id_ in old.keys() | new.keys():
            was, is_ = old.get(id_, {}), new.get(id_, {})
            changes = {c: (was.get(c), is_.get(c)) for c in was.keys() | is_.keys() if was.get(c) != is_.get(c)}
            kind = "delete" if id_ not in new else "update" if id_ in old else "create"
            if kind == "update" and side == "sql" and soft and changes.get("gone", (None, None))[1]:
                kind = "delete"
            name = id_
            if kind == "create" and side == "lark":
                name = f"new of {trial.name_of(is_)}"
            if kind == "delete" or changes:
                effects[side, name] = (kind, {} if kind == "delete" else changes)
    return effects


def differences(trial: Trial, plan: Effects, run: Effects) -> list[str]:
    """Return where *plan* and *run* are not of one mind."""
    unmade = {name: effect for name, effect in plan.items() if not name[1].startswith("made for")}
    made = [effect for name, effect in plan.items() if name not in unmade]
    unnamed = {name: effect for name, effect in run.items() if name not in unmade}
    for _, changes in made:
        fits = (
            name
            for name, (kind, own) in unnamed.items()
            if name[0] == "sql"
            and kind == "create"
            and _same(changes, {c: pair for c, pair in own.items() if c not in trial.key})
        )
        match = next(fits, None)
        if match is None:
            return [f"planned a row with a key of the database's: {changes}; of the run {unnamed}"]
        del unnamed[match]
    told = [f"{name}: planned nothing, the run did {effect}" for name, effect in unnamed.items()]
    for name, (kind, changes) in unmade.items():
        done = run.get(name)
        if done is None or done[0] != kind or not _same(changes, done[1]):
            told.append(f"{name}: planned {kind} {changes}, the run did {done}")
    return told


def unlisted(trial: Trial, plan: Plan, before: tuple[Any, Any]) -> list[str]:
    """Return what the run of *plan* did since *before* that the plan does not list."""
    listed = foreseen(trial, plan.actions())
    # what a row gets whose key the database makes
    made = [changes.keys() for name, (_, changes) in listed.items() if name[1].startswith("made for")]
    told = []
    for name, (kind, changes) in happened(trial, before, (trial.rows(), trial.records())).items():
        planned, columns = listed.get(name, ("", {}))
        if kind == planned and changes.keys() <= columns.keys():
            continue
        if not (name[0] == "sql" and kind == "create" and any(changes.keys() <= {*each, *trial.key} for each in made)):
            told.append(f"{name}: planned {planned} {columns}, the run did {kind} {changes}")
    return told


def _same(planned: dict[str, tuple[Any, Any]], done: dict[str, tuple[Any, Any]]) -> bool:
    if planned.keys() != done.keys():
        return False
    return all(done[c][0] == old and (new is ANY or done[c][1] == new) for c, (old, new) in planned.items())


COUNTS = ("to_sql", "to_lark", "conflicts", "skipped", "failed", "held", "near_misses", "status")


def compare(trial: Trial, plan: Plan, report: SyncReport | None, run_id: str, before: Any) -> list[str]:
    """Return where what *plan* said is not what the run has done, by its report, the ledger and both tables."""
    actions = list(plan.actions())
    after = (trial.rows(), trial.records())
    told = differences(trial, foreseen(trial, actions), happened(trial, before, after))
    if report is not None:
        said, did = plan.report.to_dict(), report.to_dict()
        told += [f"{name}: planned {said[name]}, reported {did[name]}" for name in COUNTS if said[name] != did[name]]
    elif plan.report.status != "held":
        told.append(f"the run was stopped, and the plan's status is {plan.report.status}")
    log = trial.ask(f"SELECT record_id, direction, status, detail FROM sync_log WHERE run_id = '{run_id}'")
    ledger = {
        "refuse": {row[0] for row in log if row[2] == "failed"},
        "wins": {(row[0], row[3]) for row in log if row[2] == "conflict" and row[3] != WAITS},
        "waits": {row[0] for row in trial.ask("SELECT record_id FROM sync_conflict WHERE status = 'open'")},
        "hold": {row[0] for row in trial.ask("SELECT record_id FROM sync_queue WHERE status = 'held'")},
    }
    conflicts = [each for each in actions if each.kind == "conflict"]
    planned = {
        "refuse": {each.key for each in actions if each.kind == "refuse"},
        "wins": {(each.key, each.why) for each in conflicts if each.why != WAITS},
        "waits": {each.key for each in conflicts if each.why == WAITS},
        "hold": {each.key for each in actions if each.kind == "hold"},
    }
    told += [
        f"{name}: planned {planned[name]}, the run {ledger[name]}" for name in ledger if planned[name] != ledger[name]
    ]
    return told
