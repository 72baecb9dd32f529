"""Reading a cell alike, whether Lark shows it or it is about to be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.canonical.codec import build_codec
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import sql_type_for

_LINKS = (FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK)


def reader_of(field: Field) -> Callable[[Any], Canonical]:
    """Return what reads a cell of *field*, in the form that Lark shows or in the one that it is written.

    :raises SchemaMismatch: the field holds no values.
    """
    sql_type = sql_type_for(field, "")
    if sql_type is None:
        raise SchemaMismatch(f"field {field.describe()} has no values")
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
