"""What is told of one row that differs: its columns, and their values as people read them."""

from __future__ import annotations

from typing import Any

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.decide import agreed_apart
from airflow_provider_lark.core.sync.push.open_decisions import words_of_value
from airflow_provider_lark.core.sync.run.run import Run

COLUMNS_TOLD = 30


def describe(
    run: Run,
    options: CheckOptions,
    *,
    lark: Values | None,
    sql: Values | None,
    base: Values | None,
    near: Values | None,
) -> dict[str, Any]:
    """Return the columns in which a row differs, or all of one that a side has alone.

    :returns: ``columns``, each with ``lark`` and ``sql`` (None: empty, or not to be told, which ``hidden`` says), and
        ``more``, how many columns are left out.
    """
    names = list(run.binding.rules.all_columns)
    if lark is not None and sql is not None:
        apart = agreed_apart(base, lark, sql, near or {})
        names = [name for name in names if name not in apart and lark.get(name) != sql.get(name)]
    told = [_column(run, options, name, lark, sql) for name in names[:COLUMNS_TOLD]]
    return {"columns": told, "more": max(0, len(names) - COLUMNS_TOLD)}


def _column(run: Run, options: CheckOptions, name: str, lark: Values | None, sql: Values | None) -> dict[str, Any]:
    is_hidden = not options.shows_values or name in options.hidden
    sides = {"lark": lark, "sql": sql}
    values = {
        side: None if is_hidden or row is None else _words(run, options, name, row.get(name))
        for side, row in sides.items()
    }
    return {"column": name, **values, "hidden": is_hidden}


def _words(run: Run, options: CheckOptions, name: str, value: Canonical) -> str | None:
    words = words_of_value(run, name, value)
    most = options.value_characters
    return words if words is None or len(words) <= most else words[:most] + "…"
