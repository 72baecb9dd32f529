"""One form for cells that Lark shows and cells that it is about to be written, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values
from airflow_provider_lark.core.fields.either_form import reader_of
from airflow_provider_lark.core.fields.schema import Field


class CellReader:
    """Reads the cells of some fields; cells that mean the same give equal values.

    The order of options, persons and links says nothing here. The sync, which carries it over, compares without this.

    :raises SchemaMismatch: a field holds no values.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._readers = {field.name: reader_of(field) for field in fields}

    @property
    def names(self) -> list[str]:
        """The fields that are read."""
        return list(self._readers)

    def read(self, cells: Mapping[str, Any], names: Collection[str] | None = None) -> dict[str, Canonical]:
        """Return the values of *cells* by field name, those that are not understood left out.

        :param names: of these fields only.
        """
        values: dict[str, Canonical] = {}
        for name, read in self._readers.items():
            if names is not None and name not in names:
                continue
            try:
                value = read(cells.get(name))
            except ValueMismatch:
                continue
            values[name] = tuple(sorted(value, key=repr)) if isinstance(value, tuple) else value
        return values

    def read_key(self, cells: Mapping[str, Any]) -> str | None:
        """Return the values of *cells* as one text; None where one is empty or not understood."""
        key = self.read(cells)
        return None if len(key) < len(self._readers) or None in key.values() else dump_values(key)
