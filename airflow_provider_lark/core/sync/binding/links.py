"""Foreign keys as links: in SQL a row names the key of another table's row, in Lark a record links to its record.

The canonical value of such a pair is the *key*, as the foreign-key column holds it. Between a record's id and a key
stands the ledger of the other table, which lies in the same database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import JSON

from airflow_provider_lark.core.errors import RowError, RowWaits, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec, build_codec
from airflow_provider_lark.core.fields.column import Column, ColumnKind
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.zones import Zone
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Values
from airflow_provider_lark.core.sync.mapping.targets import OnDelete

LINK_TYPES = frozenset({FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK})


@dataclass(frozen=True, slots=True)
class LinkedColumn:
    """A foreign-key column whose field links to the records of another synced table.

    :param table_name: the ledger's name of the table that is linked to.
    :param many: the column holds a list of keys; otherwise one key.
    :param read_key: canonical value of one key's text.
    :param on_delete: what becomes of a row when the one that it links to is deleted.
    """

    label: str
    table_name: str
    many: bool
    read_key: Callable[[str], Canonical]
    on_delete: OnDelete = "database"


class Sendable(NamedTuple):
    """Values with record ids in the place of keys, ready for Lark.

    :param missing: columns that are left out because the row they name has no record yet.
    """

    values: dict[str, Canonical]
    missing: dict[str, str]


def bind_link(
    field: Field, column: Column, table_name: str, zone: Zone, on_delete: OnDelete | None = None
) -> tuple[ValueCodec, LinkedColumn]:
    """Return the codec of a link field beside a foreign-key column, and how its ids become keys.

    The codec's Lark half still speaks of record ids; :class:`Links` translates.

    :raises SchemaMismatch: the field is no link, or the column cannot hold a key.
    """
    if field.type not in LINK_TYPES:
        raise SchemaMismatch(f"field {field.describe()} is not a link field; remove link: {table_name} from its entry")
    ids = build_codec(field, Column(column.name, JSON()))
    many = column.kind in (ColumnKind.JSON, ColumnKind.ARRAY)
    stand_in = FieldType.MULTI_SELECT if many else FieldType.TEXT
    keys = build_codec(Field(field.field_id, field.name, stand_in), column, time_zone=zone)

    def read_key(text: str) -> Canonical:
        return text if many else keys.from_lark([{"type": "text", "text": text}])

    codec = replace(ids, from_sql=keys.from_sql, to_sql=keys.to_sql, kind="link", empty_sql=keys.empty_sql)
    if on_delete == "set_null" and not column.nullable:
        raise SchemaMismatch(f"column {column.describe()} is NOT NULL, so on_delete: set_null cannot empty it")
    return codec, LinkedColumn(field.describe(), table_name, many, read_key, on_delete or "database")


NOTHING = Sendable({}, {})


class Links:
    """Translates the link columns of one mapping."""

    def __init__(self, columns: Mapping[str, LinkedColumn]) -> None:
        self._columns = columns

    def to_keys(self, ledger: Ledger, rows: Sequence[LarkRow]) -> list[LarkRow]:
        """Return *rows* with keys in the place of record ids; a link that leads nowhere is a problem of its row."""
        if not self._columns:
            return list(rows)
        known = {
            table: {
                record_id: pair.key
                for record_id, pair in ledger.beside(table).pairs.by_records(ids).items()
                if not pair.is_reserved
            }
            for table, ids in self._collect(rows).items()
        }
        return [self._translate(row, known) for row in rows]

    def to_records(self, ledger: Ledger, many_values: Sequence[Values]) -> list[Sendable]:
        """Return *many_values* with record ids in the place of keys."""
        wanted: dict[str, set[Key]] = defaultdict(set)
        for values in many_values:
            for name in values.keys() & self._columns.keys():
                wanted[self._columns[name].table_name].update(keys_of(values[name]))
        known = {table: ledger.beside(table).pairs.record_ids_of(sorted(keys)) for table, keys in wanted.items()}
        return [self._send(values, known) for values in many_values]

    def _collect(self, rows: Iterable[LarkRow]) -> dict[str, list[RecordId]]:
        found: dict[str, dict[RecordId, None]] = defaultdict(dict)
        for row in rows:
            for name, column in self._columns.items():
                found[column.table_name].update(dict.fromkeys(_ids(row.values.get(name))))
        return {table: list(ids) for table, ids in found.items()}

    def _translate(self, row: LarkRow, known: Mapping[str, Mapping[RecordId, Key]]) -> LarkRow:
        values, problems = dict(row.values), list(row.problems)
        for name, column in self._columns.items():
            if values.get(name) is None:
                continue
            try:
                values[name] = _to_key(column, _ids(values[name]), known[column.table_name])
            except RowError as error:
                del values[name]
                problems.append(error)
        return replace(row, values=values, problems=tuple(problems))

    def _send(self, values: Values, known: Mapping[str, Mapping[Key, RecordId]]) -> Sendable:
        sendable = Sendable(dict(values), {})
        for name in values.keys() & self._columns.keys():
            column = self._columns[name]
            keys = keys_of(values[name])
            lost = [key for key in keys if key not in known[column.table_name]]
            if lost:
                del sendable.values[name]
                sendable.missing[name] = f"row {lost[0]!r} of table {column.table_name!r} has no record in Lark yet"
            else:
                sendable.values[name] = tuple(known[column.table_name][key] for key in keys) or None
        return sendable


def _to_key(column: LinkedColumn, ids: Sequence[RecordId], known: Mapping[RecordId, Key]) -> Canonical:
    lost = [id_ for id_ in ids if id_ not in known]
    if lost:
        raise RowWaits(
            f"field {column.label} links to record {lost[0]}, which is not in table {column.table_name!r} yet"
        )
    if column.many:
        return tuple(column.read_key(known[id_]) for id_ in ids)
    if len(ids) > 1:
        raise ValueMismatch(
            f"field {column.label} links to {len(ids)} records, but its column can hold only one key of "
            f"{column.table_name!r}; remove all links but one"
        )
    return column.read_key(known[ids[0]])


def _ids(value: Any) -> list[RecordId]:
    return [RecordId(id_) for id_ in value or ()]


def keys_of(value: Canonical) -> list[Key]:
    """Return the keys that a link column's value names."""
    if value is None:
        return []
    return [Key(str(part)) for part in value] if isinstance(value, tuple) else [Key(str(value))]
