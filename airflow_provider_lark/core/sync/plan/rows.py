"""The SQL side of a plan: rows are read from the database, and what would be written is kept beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.conditions.matching import Truth
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.errors import RowRefused
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, load_values
from airflow_provider_lark.core.ledger.pairs import Pairs
from airflow_provider_lark.core.side import Key, Page, Row, SqlPage, SqlRow, Values
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn
from airflow_provider_lark.core.sql_side.changed_rows import ChangedRows
from airflow_provider_lark.core.sql_side.foreseen_refusals import Foreseen, ForeseenRefusals
from airflow_provider_lark.core.sql_side.generated_values import RowToBe
from airflow_provider_lark.core.sql_side.store import KeyCondition, SqlStore
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.plan.actions import MADE_KEY, Action, Change, Kind, differences
from airflow_provider_lark.core.sync.plan.database import planned_row
from airflow_provider_lark.core.sync.plan.made import GeneratedColumns, made_key
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange

_ORDER = ("delete", "patch", "insert")


class PlannedRows:
    """The rows of one table as the run would see them.

    :param copy: the transaction of the plan's own database.
    :param store: the real table, which is only read.
    :param would_belong: whether a row of these values would be inside the mapping's filter, as far as that is known.
    """

    def __init__(
        self, copy: Connection, store: SqlStore, pairs: Pairs, would_belong: Callable[[Values], Truth]
    ) -> None:
        self._would_belong = would_belong
        self._copy = copy
        self._store = store
        self._pairs = pairs

    def read(self, ids: Sequence[Key], *, for_update: bool = False) -> dict[Key, SqlRow]:
        """Return the rows of *ids* that exist, by id; nothing is locked."""
        planned = self._planned(ids)
        found = self._store.read([id_ for id_ in ids if id_ not in planned])
        return found | {id_: row for id_, row in planned.items() if row is not None}

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[SqlPage]:
        """Yield the rows of the database; a plan compares nothing."""
        return self._store.scan(columns)

    def page_after(self, after: str | None, limit: int) -> SqlPage:
        """Return rows of the database; whoever looks for changes looks before the plan makes any."""
        return self._store.page_after(after, limit)

    def changed(self, column: ChangeColumn) -> ChangedRows:
        """Return what reads rows of the database; as :meth:`page_after`."""
        return self._store.changed(column)

    def unpaired_page(self, is_unpaired: KeyCondition, *, after: str | None, limit: int) -> SqlPage:
        """Return rows without a pair in the plan's ledger, from behind the key *after*; an empty page is the end."""
        while True:
            page = self._store.page_after(after, limit, only_filtered=True)
            if not page.rows:
                return page
            ids = [row.id for row in page.rows]
            known = self._pairs.by_keys(ids)
            planned = self._planned(ids)
            rows = [planned.get(row.id, row) for row in page.rows if row.id not in known]
            kept = [row for row in rows if row is not None]
            if kept:
                return Page(kept)
            after = ids[-1]

    def namesakes(self, ids: Sequence[Key]) -> dict[Key, Key]:
        """Return, of each of *ids* that the database takes for another key, that key: of a row, a new one, or of *ids*.

        Of several that are one to it, all but the first have a namesake.
        """
        if not self._store.keys.are_possible:
            return {}
        new, freed = self._alike(ids)
        return self._store.namesakes(ids, besides=new, freed=freed)

    def _alike(self, ids: Sequence[Key]) -> tuple[list[Key], set[Key]]:
        """Return planned rows and planned deletes whose keys look like those of *ids*."""
        kept, freed, wanted = list[Key](), set[Key](), set(ids)
        folded = {text for id_ in ids if (text := self._store.keys.fold(id_)) is not None}
        for some in split(sorted(folded)):
            alike = select(planned_row.c.key, planned_row.c.fields).where(is_among(planned_row.c.folded, some))
            for key, fields in self._copy.execute(alike.order_by(planned_row.c.id)):
                if fields is None:
                    freed.add(key)
                elif key not in wanted:
                    kept.append(key)
        return kept, freed

    def generated(self, rows: Sequence[RowToBe]) -> list[dict[str, Canonical]]:
        """Return what the generated columns of *rows* would hold, as far as that is known."""
        planned = self._planned([row.key for row in rows if row.key is not None])
        # of a row that the plan has changed before, the database holds something else
        asked = [place for place, row in enumerate(rows) if row.key not in planned]
        found = [dict[str, Canonical]() for _ in rows]
        for place, values in zip(asked, self._store.generated.foresee([rows[place] for place in asked]), strict=True):
            found[place] = values
        return found

    def key_of(self, values: Values) -> Key | None:
        """Return the key that *values* name."""
        return self._store.key_of(values)

    def put(self, key: Key, values: Values | None, *, made: Collection[str] = ()) -> None:
        """Keep what a row would be; None for one that would be deleted.

        :param made: the key columns that the database will make; *key* stands for the row's own.
        """
        made = made or self.made_among([key]).get(key, ())
        self._copy.execute(delete(planned_row).where(planned_row.c.key == key))
        fields = None if values is None else dump_values(values)
        folded = None if made else self._store.keys.fold(key)
        row = {"key": key, "fields": fields, "made": json.dumps(sorted(made)) if made else None, "folded": folded}
        self._copy.execute(insert(planned_row).values(row))

    def made_among(self, keys: Collection[str]) -> dict[str, frozenset[str]]:
        """Return those of *keys* that stand for keys which the database will make, with the columns that it makes."""
        found: dict[str, frozenset[str]] = {}
        for some in split(list(keys)):
            made = select(planned_row.c.key, planned_row.c.made).where(
                is_among(planned_row.c.key, some), planned_row.c.made.is_not(None)
            )
            found.update((key, frozenset(json.loads(columns))) for key, columns in self._copy.execute(made))
        return found

    def _planned(self, ids: Sequence[Key]) -> dict[Key, SqlRow | None]:
        found: dict[Key, SqlRow | None] = {}
        for some in split(ids):
            rows = select(planned_row.c.key, planned_row.c.fields).where(is_among(planned_row.c.key, some))
            for key, fields in self._copy.execute(rows):
                found[key] = None if fields is None else self.row_of(key, load_values(fields))
        return found

    def row_of(self, key: Key, values: Values) -> SqlRow:
        """Return a row that is not there yet."""
        return Row(key, values, outside=self._would_belong(values) is False)


class RowPlanner:
    """Plans what would be written to SQL: :meth:`apply` stands for the writing.

    What the database itself would make of it is foreseen where the columns tell: a value that it must have or may not
    get; a constant default; a generated column that stays the same. Other constraints and triggers are not foreseen.
    """

    def __init__(
        self, rows: PlannedRows, binding: Binding, refusals: ForeseenRefusals, next_number: Callable[[], int]
    ) -> None:
        self._rows = rows
        self._binding = binding
        self._refusals = refusals
        self._next_number = next_number
        self._generated = GeneratedColumns(binding)

    def apply(self, changes: Sequence[SqlChange]) -> list[Action]:
        """Keep what *changes* would write, give them keys and rows as writing does, and return the actions."""
        wanted = []
        # in the order in which they are written, so that a key that is given up is free for another row
        for change in sorted(changes, key=lambda change: _ORDER.index(change.kind)):
            if change.error is not None:
                continue
            foreseen = self._foresee(change)
            if foreseen.why and foreseen.is_certain:
                change.error = RowRefused(foreseen.why)
            else:
                wanted.append((change, foreseen.why))
        self._refuse_namesakes([change for change, _ in wanted])
        wanted = [(change, doubt) for change, doubt in wanted if change.error is None]
        before = self._rows.read([change.key for change, _ in wanted if change.key is not None])
        computed = self._compute([change for change, _ in wanted])
        return [
            _with_doubt(self._plan(change, before, values), doubt)
            for (change, doubt), values in zip(wanted, computed, strict=True)
        ]

    def _compute(self, changes: Sequence[SqlChange]) -> list[dict[str, Canonical]]:
        """Return what the generated columns of each row would hold, as far as that is known."""
        found = [dict[str, Canonical]() for _ in changes]
        if not self._generated or self._refusals.may_be_changed:
            return found
        asked = [place for place, change in enumerate(changes) if change.kind != "delete"]
        rows = [
            RowToBe(change.key if change.kind == "patch" else None, self._bound(change))
            for change in (changes[place] for place in asked)
        ]
        for place, values in zip(asked, self._rows.generated(rows), strict=True):
            found[place] = values
        return found

    def _refuse_namesakes(self, changes: Sequence[SqlChange]) -> None:
        """Refuse new rows whose keys are another row's to the database."""
        for change in changes:
            if change.kind == "delete" and change.key is not None:
                self._rows.put(change.key, None)
        new = {change.key: change for change in changes if change.kind == "insert" and change.key is not None}
        for key in self._rows.namesakes(list(new)):
            new[key].error = RowRefused("the database takes its key for another row's")

    def _bound(self, change: SqlChange) -> dict[str, object]:
        """Return the values of *change* as they are written."""
        codecs, columns = self._binding.codecs, self._binding.spec.table.c
        bound = {name: codecs[name].to_sql(value) for name, value in change.values.items()}
        empty = {name for name, value in bound.items() if value is None and not columns[name].nullable}
        return {**bound, **{name: codecs[name].empty_sql for name in empty}}

    def _foresee(self, change: SqlChange) -> Foreseen:
        codecs = self._binding.codecs
        # what an empty cell is written as, where the column must not be NULL
        empty = {
            name: codecs[name].empty_sql if (null := codecs[name].to_sql(None)) is None else null
            for name, value in change.values.items()
            if value is None
        }
        bound = {**change.values, **empty}
        if change.kind == "insert":
            return self._refusals.of_insert(bound)
        return self._refusals.of_update(bound) if change.kind == "patch" else Foreseen()

    def _plan(self, change: SqlChange, before: dict[Key, SqlRow], computed: Mapping[str, Canonical]) -> Action:
        if change.kind == "insert":
            return self._insert(change, computed)
        key = Key(change.key or "")
        row = before.get(key)
        old = {} if row is None else dict(row.values)
        if change.kind == "delete":
            self._rows.put(key, None)
            return Action("sql", "delete", key, change.record_id, why=self._why_gone(change))
        changed = [name for name, value in change.values.items() if name not in old or old[name] != value]
        made = self._generated.of_update(changed)
        after = {**old, **change.values, **{name: computed.get(name, value) for name, value in made.items()}}
        self._rows.put(key, after)
        change.row = self._rows.row_of(key, after) if row is None else self._changed(row, after)
        changes = differences(old, change.values)
        return Action("sql", self._kind_of(change), key, change.record_id, changes, self._why(change))

    def _insert(self, change: SqlChange, computed: Mapping[str, Canonical]) -> Action:
        empty = self._binding.rules.empty
        values: dict[str, Canonical] = {**{name: empty.get(name) for name in self._binding.codecs}, **change.values}
        # by its values: a person may have given the record of a deleted row another key
        key, made = self._rows.key_of(values), list[str]()
        if key is None:
            made = [name for name in self._binding.spec.key_columns if values.get(name) is None]
            number = self._next_number()
            columns = [column for column in self._binding.spec.key if column.name in made]
            values |= made_key(columns, number)
            key = self._rows.key_of(values) or Key(f"{MADE_KEY} {number}")
        values |= {name: computed.get(name, value) for name, value in self._generated.of_insert().items()}
        self._rows.put(key, values, made=made)
        change.key, change.row = key, self._rows.row_of(key, values)
        shown = {**change.values, **self._generated.defaults}
        changes = tuple(Change(name, None, value) for name, value in shown.items() if value is not None)
        return Action("sql", "create", key, change.record_id, changes, "its record has no row")

    def _changed(self, row: SqlRow, after: Values) -> SqlRow:
        foreseen = self._binding.row_would_belong(after)
        return replace(row, values=after, outside=row.outside if foreseen is None else not foreseen)

    def _kind_of(self, change: SqlChange) -> Kind:
        mapping = self._binding.mapping
        if mapping.deletes.mode == "soft" and change.values.get(mapping.deletes.column):
            return "delete"
        return "link" if set(change.values) == {mapping.record_id_column} else "update"

    def _why(self, change: SqlChange) -> str:
        kind = self._kind_of(change)
        if kind == "link":
            return "the row does not have its record id yet"
        return self._why_gone(change) if kind == "delete" else "its record was changed in Lark"

    def _why_gone(self, change: SqlChange) -> str:
        return "its record left the filter" if change.left else "its record was deleted in Lark"


def _with_doubt(action: Action, doubt: str) -> Action:
    return replace(action, why=f"{action.why}; {doubt}") if doubt else action
