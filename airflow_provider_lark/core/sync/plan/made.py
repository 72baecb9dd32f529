"""Values that a plan cannot know, because the database or Lark will make them.

During the plan, placeholders take their place: a key that no row has, a record id that Lark never gives, a text that
no cell holds. :class:`StandIns` knows them again, so that a plan never shows one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec
from airflow_provider_lark.core.fields.column import Column, ColumnKind, integer_range, text_limits
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.sql_side.generated_values import known_default, names_column
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.plan.actions import MADE_KEY, Action, Change, MadeBy, cause_of, names_in

_MADE_ID = "(made by Lark)"

_FAR = 10**15 - 1
"""No number of Lark is exact beyond it."""

_COMPUTED = "\ufdd0 computed by the database"
"""Stands for the value of a generated column; it begins with a code point that is no character."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """Tells what only stands for a value.

    :param keys: keys that stand for one which the database will make, with the columns that it makes.
    :param links: the columns that hold keys of rows; Lark's side of them holds record ids.
    :param ids: the columns that hold record ids.
    """

    keys: Mapping[str, Collection[str]]
    links: Collection[str]
    ids: Collection[str]

    def hide(self, action: Action) -> Action:
        """Return *action* with what is known, and who makes the rest."""
        made = self.keys.get(action.key, ())
        changes = tuple(self._hide(change, made) for change in action.changes)
        record_id = "" if action.record_id.startswith(NEW_RECORD) else action.record_id
        key = _MADE_ID if action.key.startswith(NEW_RECORD) else action.key
        key = MADE_KEY if key in self.keys else key
        return replace(action, key=key, record_id=record_id, changes=changes, why=self._tell(action.why))

    def _tell(self, why: str) -> str:
        is_made = any(name in self.keys or name.startswith(NEW_RECORD) for name in names_in(why))
        return cause_of(why) if is_made else why

    def _hide(self, change: Change, made: Collection[str]) -> Change:
        new, old = self._who(change.column, change.new, made), self._who(change.column, change.old, made)
        if not new and not old:
            return change
        return Change(change.column, None if old else change.old, None if new else change.new, new)

    def _who(self, column: str, value: Canonical, made: Collection[str]) -> MadeBy:
        if value is None:
            return ""
        if value == _COMPUTED or column in made:
            return "database"
        if column in self.links and any(text in self.keys for text in texts_of(value)):
            return "database"
        is_id = column in self.links or column in self.ids
        return "lark" if is_id and any(text.startswith(NEW_RECORD) for text in texts_of(value)) else ""


def link_texts(actions: Iterable[Action], links: Collection[str]) -> set[str]:
    """Return the keys that *actions* name in link columns."""
    return {text for each in actions for change in each.changes if change.column in links for text in _both(change)}


def _both(change: Change) -> list[str]:
    return [*texts_of(change.old), *texts_of(change.new)]


def texts_of(value: Canonical) -> list[str]:
    """Return the keys that a link column holds."""
    if value is None:
        return []
    return list(map(str, value)) if isinstance(value, tuple) else [str(value)]


def made_key(columns: Sequence[Column], number: int) -> dict[str, Canonical]:
    """Return key values that no row has: at the far end of their range, where nothing numbers.

    Where a column cannot hold such a value, it stays empty: the plan then has the new row, and not the key that the run
    writes back to its record.
    """
    return {each.name: _made_value(each, number) for each in columns}


def _made_value(column: Column, number: int) -> Canonical:
    if column.kind is ColumnKind.INTEGER:
        low, high = integer_range(column)
        value = max(low, -_FAR) + number if low < 0 else min(high, _FAR) - number
        return value if low <= value <= high else None
    if column.kind is ColumnKind.UUID:
        return str(UUID(int=number))
    text = f"new {number}"
    return text if column.kind is ColumnKind.TEXT and len(text) <= (text_limits(column)[0] or len(text)) else None


class GeneratedColumns:
    """The mapped columns to which the database gives values by itself, and what stands for these.

    Generated columns, which it computes from others of their row; and columns that Lark does not write, in which a new
    row has the default.
    """

    def __init__(self, binding: Binding) -> None:
        computed = {each.name: str(each.computed.sqltext) for each in binding.spec.table.columns if each.computed}
        told = [pair for pair in binding.pairs if pair.flow != "to_sql" and pair.link is None and not pair.by_email]
        self._from = {pair.column.name: computed[name] for pair in told if (name := pair.column.name) in computed}
        self._all = computed
        self.defaults: dict[str, Canonical] = {}
        """What a new row holds in the columns that Lark does not write and that have a default."""
        for pair in told:
            column = binding.spec.table.c[pair.column.name]
            if column.name not in binding.rules.to_sql and column.server_default is not None and not column.computed:
                self.defaults[column.name] = _default_of(column, pair.codec)

    def __bool__(self) -> bool:
        return bool(self._from)

    @property
    def unknown(self) -> set[str]:
        """The columns of which nobody knows the value yet."""
        return {*self._from, *(name for name, value in self.defaults.items() if value == _COMPUTED)}

    def of_insert(self) -> dict[str, Canonical]:
        """Return what a new row holds in them."""
        return {**self.defaults, **dict.fromkeys(self._from, _COMPUTED)}

    def of_update(self, changed: Collection[str]) -> dict[str, Canonical]:
        """Return what a row holds in those that may become another value when *changed* columns do."""
        reached = set(changed)
        # one may be computed from another
        for _ in self._all:
            reached |= {name for name, text in self._all.items() if any(names_column(text, each) for each in reached)}
        return {name: _COMPUTED for name in self._from if name in reached}


def _default_of(column: sqlalchemy.Column[Any], codec: ValueCodec) -> Canonical:
    known = known_default(column)
    if known is None:
        return _COMPUTED
    try:
        return codec.from_sql(known[0])
    except ValueMismatch:
        return _COMPUTED


def with_stand_ins(binding: Binding) -> Binding:
    """Return *binding* with codecs that let what stands for a generated column's value pass."""
    generated = GeneratedColumns(binding).unknown
    pairs = tuple(
        replace(pair, codec=_letting_pass(pair.codec)) if pair.column.name in generated else pair
        for pair in binding.pairs
    )
    codecs = {name: _letting_pass(codec) if name in generated else codec for name, codec in binding.codecs.items()}
    return replace(binding, pairs=pairs, codecs=codecs)


def _letting_pass(codec: ValueCodec) -> ValueCodec:
    def passing(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda value: value if value == _COMPUTED else read(value)

    return replace(codec, from_lark=passing(codec.from_lark), to_lark=passing(codec.to_lark))
