"""A store in memory: the reference implementation of the port, and a side for notebooks and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from airflow_provider_lark.core.chunks import STATEMENT_ROWS, split
from airflow_provider_lark.core.errors import DuplicateKey, NotFound
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.side import Page, Row, Values


class MemoryStore:
    """Rows in a dict. Values are taken as they are; no type refuses any.

    >>> store = MemoryStore(["name"])
    >>> store.create([{"name": "Haidian"}])
    ['row1']

    :param columns: every row has all of them; those that are not given are None.
    :param id_of: makes a new row's id from its values, as a primary key does (default: ``row1``, ``row2``, …).
    """

    def __init__(
        self,
        columns: Sequence[str],
        *,
        id_of: Callable[[Values], str] | None = None,
        page_size: int = STATEMENT_ROWS,
    ) -> None:
        self._columns = tuple(columns)
        self._id_of = id_of
        self._page_size = page_size
        self._rows: dict[str, dict[str, Canonical]] = {}
        self._created = 0

    def __len__(self) -> int:
        return len(self._rows)

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[Page[str]]:
        """Yield every row once, page by page, in the order of creation; *total* is the number of rows."""
        names = [name for name in self._columns if columns is None or name in columns]
        total = len(self._rows)
        for ids in split(list(self._rows), self._page_size):
            rows = [(id_, self._rows[id_]) for id_ in ids if id_ in self._rows]
            yield Page([Row(id_, {name: values[name] for name in names}) for id_, values in rows], total)

    def read(self, ids: Sequence[str]) -> dict[str, Row[str]]:
        """Return the rows of *ids* that exist, by id."""
        return {id_: Row(id_, dict(self._rows[id_])) for id_ in ids if id_ in self._rows}

    def create(self, rows: Sequence[Values]) -> list[str]:
        """Create *rows*, all or none, and return their ids in the same order.

        :raises DuplicateKey: an id exists, or two of *rows* have the same.
        """
        fresh: dict[str, dict[str, Canonical]] = {}
        for number, row in enumerate(rows, start=self._created + 1):
            id_ = f"row{number}" if self._id_of is None else self._id_of(row)
            if id_ in self._rows or id_ in fresh:
                raise DuplicateKey(f"row {id_!r} already exists; update it, or give the new row another key")
            fresh[id_] = dict.fromkeys(self._columns) | self._known(row)
        self._created += len(rows)
        self._rows |= fresh
        return list(fresh)

    def update(self, patches: Sequence[tuple[str, Values]]) -> None:
        """Set the given columns of the given ids, all or none.

        :raises NotFound: an id does not exist.
        """
        for id_, _ in patches:
            if id_ not in self._rows:
                raise NotFound(f"row {id_!r} does not exist; it may have been deleted")
        for id_, values in patches:
            self._rows[id_] |= self._known(values)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete *ids*; those that do not exist are no error."""
        for id_ in ids:
            self._rows.pop(id_, None)

    def _known(self, values: Values) -> dict[str, Canonical]:
        unknown = set(values) - set(self._columns)
        if unknown:
            raise KeyError(f"no column {min(unknown)!r}; known: {', '.join(self._columns)}")
        return dict(values)
