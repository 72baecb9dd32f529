"""Which column meets which field: by equal names, or as the caller lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field, find_field
from airflow_provider_lark.core.hints import did_you_mean, list_names

FieldChoice = Mapping[str, str] | Sequence[str] | None
"""Column by field name, as in a mapping's ``fields``; or the names that both sides share; or all."""

Names = tuple[tuple[str, str], ...]
"""Pairs of a field's and a column's name."""


def read_choice(fields: FieldChoice) -> Names | None:
    """Return the pairs that the caller listed, None where the names decide.

    :raises ConfigError: a name is missing or listed twice.
    """
    if not fields:
        return None
    pairs: Sequence[tuple[Any, Any]]
    if isinstance(fields, Mapping):
        pairs = tuple(fields.items())
    else:
        pairs = () if isinstance(fields, str) else tuple((name, name) for name in fields)
    if not pairs or not all(isinstance(name, str) and name for pair in pairs for name in pair):
        raise ConfigError('fields: expected a list of names or {"field": "column"}')
    for side, names in (("field", [field for field, _ in pairs]), ("column", [column for _, column in pairs])):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ConfigError(f"fields: {side} {twice[0]!r} is listed twice")
    return tuple(pairs)


def pair_with_columns(choice: Names | None, columns: Sequence[str], *, where: str) -> Names:
    """Return the pairs for every column of a SQL source, or for those that are listed.

    :param where: what has the columns, for the message.
    :raises SchemaMismatch: a listed column does not exist.
    """
    if twice := [name for name, count in Counter(columns).items() if count > 1]:
        raise SchemaMismatch(f"{where}: column {twice[0]!r} occurs twice; give the columns different names with AS")
    if choice is None:
        return tuple((name, name) for name in columns)
    for _, column in choice:
        if column not in columns:
            raise SchemaMismatch(f"{where}: column {column!r} {missing(column, columns, 'column')}")
    return choice


def writable_field(name: str, fields: Sequence[Field], *, where: str) -> Field:
    """Return the field that cells are written to.

    :raises SchemaMismatch: there is none of this name, or Lark computes it.
    """
    field = find_field(name, fields, where=where)
    if field.is_read_only:
        raise SchemaMismatch(
            f"{where}: field {field.describe()} is read-only; leave its column out with fields= or in the query"
        )
    return field


def name_pairs(choice: Names | None, fields: Sequence[Field]) -> Names | None:
    """Return the listed pairs with names in place of ids: a list of ids alone names the columns by it, too."""
    if choice is None:
        return None
    known = _ids(fields)
    return tuple(
        (known.get(field, field), known.get(column, column) if field == column else column) for field, column in choice
    )


def name_keys(names: Sequence[str], fields: Sequence[Field]) -> tuple[str, ...]:
    """Return names of fields, of which some may be given by id."""
    known = _ids(fields)
    return tuple(known.get(name, name) for name in names)


def _ids(fields: Sequence[Field]) -> dict[str, str]:
    # a field that somebody has called like an id is meant by its name
    taken = {field.name for field in fields}
    return {field.field_id: field.name for field in fields if field.field_id not in taken}


def missing(name: str, known: Iterable[str], kind: str) -> str:
    """Return the end of a message about a name that does not exist."""
    names = list(known)
    return f"does not exist; {did_you_mean(name, names, otherwise=f'known: {list_names(names)}')}"
