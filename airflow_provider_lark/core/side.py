"""The port behind which the two sides lie: a table of rows in canonical values, addressed by the side's own ids.

Implementations: a SQL table, a Bitable table and one in memory. All pass one contract suite (``tests/contract``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NewType, Protocol, TypeAlias, TypeVar

from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.fields.canonical import Canonical

Side = Literal["lark", "sql"]
"""Which of the two."""

Key = NewType("Key", str)
"""The SQL primary key as canonical text: the value itself, or a compact JSON array of texts when composite."""

RecordId = NewType("RecordId", str)
"""Lark's id of a record, ``rec…``; unique inside one base only."""

Values = Mapping[str, Canonical]
"""Canonical values by *column* name, on both sides."""

Id = TypeVar("Id", bound=str)
Id_co = TypeVar("Id_co", bound=str, covariant=True)


@dataclass(frozen=True, slots=True)
class Row(Generic[Id_co]):
    """A row of either side.

    :param id: the side's own id: the :data:`Key` in SQL, the :data:`RecordId` in Lark.
    :param values: canonical values by column name; a column that could not be read is absent and named in *problems*.
    :param modified_ms: when the side last changed the row, UTC milliseconds, where it tells.
    :param problems: one error per value that has no canonical form on the other side.
    :param unread: one error per column whose cell cannot be read and counts as empty, because nobody could mend it.
    :param outside: the mapping's filter of this side does not let it in.
    """

    id: Id_co
    values: Values
    modified_ms: int | None = None
    problems: tuple[RowError, ...] = field(default=())
    unread: Mapping[str, RowError] = field(default_factory=dict)
    outside: bool = False


SqlRow: TypeAlias = Row[Key]
LarkRow: TypeAlias = Row[RecordId]


@dataclass(frozen=True, slots=True)
class Page(Generic[Id_co]):
    """A part of a scan. *total* is the side's own count of the whole table, where it tells."""

    rows: Sequence[Row[Id_co]]
    total: int | None = None


SqlPage: TypeAlias = Page[Key]
LarkPage: TypeAlias = Page[RecordId]


class Store(Protocol[Id]):
    """One side of a mapping."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[Page[Id]]:
        """Yield every row once, page by page; *columns* narrows what is read (default: all mapped columns)."""
        ...

    def read(self, ids: Sequence[Id]) -> dict[Id, Row[Id]]:
        """Return the rows of *ids* that exist, by id."""
        ...

    def create(self, rows: Sequence[Values]) -> list[Id]:
        """Create *rows*, all or none, and return their ids in the same order."""
        ...

    def update(self, patches: Sequence[tuple[Id, Values]]) -> None:
        """Set the given columns of the given ids, all or none; columns that are not named keep their values.

        :raises NotFound: an id does not exist.
        """
        ...

    def delete(self, ids: Sequence[Id]) -> None:
        """Delete *ids*; those that do not exist are no error."""
        ...
