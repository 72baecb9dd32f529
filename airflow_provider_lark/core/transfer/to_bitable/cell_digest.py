"""What a record holds, in one form for cells that Lark shows and cells that it is about to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.canonical import dump_values, hash_values
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.cell_reader import CellReader


class CellDigest:
    """Tells whether a record already holds what a row would write, and which key either has.

    :param fields: what is written.
    :param key_fields: names of the fields that tell records apart, among *fields*.
    :raises ConfigError: a key field is not written, or there is none.
    """

    def __init__(self, fields: Sequence[Field], key_fields: Sequence[str]) -> None:
        self._cells = CellReader(fields)
        self._key = tuple(key_fields)
        if not self._key:
            raise ConfigError("mode 'upsert' needs key_fields, the fields that identify the record of a row")
        for name in self._key:
            if name not in self.names:
                raise ConfigError(f"key_fields: {name!r} is not among the fields that are written")

    @property
    def names(self) -> list[str]:
        """The fields to read."""
        return self._cells.names

    @property
    def key_label(self) -> str:
        """The key's fields, for messages."""
        return ", ".join(self._key)

    def read(self, cells: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return key and digest of *cells*; None for a key with an empty part, and for what is not understood."""
        values = self._cells.read(cells)
        key = {name: values.get(name) for name in self._key}
        return (
            None if None in key.values() else dump_values(key),
            hash_values(dump_values(values)) if len(values) == len(self.names) else None,
        )
