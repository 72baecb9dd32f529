"""What a record holds, in one form for cells that Lark shows and cells that it is about to be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, hash_values
from airflow_provider_lark.core.fields.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import sql_type_for

_LINKS = (FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK)


class CellDigest:
    """Tells whether a record already holds what a row would write, and which key either has.

    :param fields: what is written.
    :param key_fields: names of the fields that tell records apart, among *fields*.
    :raises ConfigError: a key field is not written, or there is none.
    """

    def __init__(self, fields: Sequence[Field], key_fields: Sequence[str]) -> None:
        self._readers = {field.name: _reader(field) for field in fields}
        self._key = tuple(key_fields)
        if not self._key:
            raise ConfigError("mode 'upsert' needs key_fields: the fields by which a row finds its record")
        for name in self._key:
            if name not in self._readers:
                raise ConfigError(f"key_fields: {name!r} is not among the fields that are written")

    @property
    def names(self) -> list[str]:
        """The fields to read."""
        return list(self._readers)

    @property
    def key_label(self) -> str:
        """The key's fields, for messages."""
        return ", ".join(self._key)

    def read(self, cells: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return key and digest of *cells*; None for a key with an empty part, and for what is not understood."""
        values: dict[str, Canonical] = {}
        for name, read in self._readers.items():
            try:
                values[name] = read(cells.get(name))
            except ValueMismatch:
                continue
        key = {name: values.get(name) for name in self._key}
        return (
            None if None in key.values() else dump_values(key),
            hash_values(dump_values(values)) if len(values) == len(self._readers) else None,
        )


def _reader(field: Field) -> Callable[[Any], Canonical]:
    sql_type = sql_type_for(field, "")
    if sql_type is None:
        raise SchemaMismatch(f"field {field.describe()} holds no values")
    read = build_codec(field, Column(field.name, sql_type)).from_lark
    if field.type in _LINKS:
        # shown as an object, written as a list
        return lambda cell: read({"link_record_ids": cell} if isinstance(cell, list) else cell)
    if field.type == FieldType.ATTACHMENT:
        # written without the names, which Lark knows
        return lambda cell: _tokens(read(cell))
    return read


def _tokens(files: Canonical) -> Canonical:
    return tuple(file[0] for file in files if isinstance(file, tuple)) if isinstance(files, tuple) else None
