"""Mappings from YAML files, lists and the seeds' short form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.plain import describe, read_text
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.mapping.targets import LarkTarget, SqlTarget


def load_mappings(path: str | Path, *, bases: Mapping[str, str] | None = None) -> list[TableMapping]:
    """Read the mappings of a YAML file.

    :raises ConfigError: the file is missing, is no YAML (the line is named), or an entry is wrong.
    """
    file = Path(path)
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(
            f"{file}: cannot be read ({exc.strerror}); give the path of a YAML file with mappings"
        ) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file}: not valid UTF-8 at byte {exc.start}; save it as UTF-8") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{file}{line}: invalid YAML: {getattr(exc, 'problem', None) or 'cannot be parsed'}") from exc
    return parse_mappings(raw, where=str(file), bases=bases)


def load_all_mappings(paths: Sequence[str | Path]) -> list[TableMapping]:
    """Read the mappings of several YAML files; a file that is named twice is read once.

    :raises ConfigError: as for :func:`load_mappings`; or two files hold mappings of one name, or of one SQL table.
    """
    files = {Path(path).resolve(): path for path in reversed(paths)}
    mappings = [mapping for path in reversed(files.values()) for mapping in load_mappings(path)]
    refuse_duplicates(mappings, ", ".join(map(str, reversed(files.values()))))
    return mappings


def parse_mappings(raw: Any, *, where: str = "mappings", bases: Mapping[str, str] | None = None) -> list[TableMapping]:
    """Read one mapping, a list of them, ``{"mappings": […]}``, or the short form ``{"MyDB:users": "users"}``.

    :raises ConfigError: an entry is wrong, or two mappings share a name or a SQL table.
    """
    if isinstance(raw, Mapping) and set(raw) == {"mappings"}:
        raw, where = raw["mappings"], f"{where}: mappings"
    if isinstance(raw, TableMapping):
        mappings = [raw]
    elif isinstance(raw, Mapping) and raw and all(":" in str(name) for name in raw):
        mappings = [_read_short(str(lark), sql, where) for lark, sql in raw.items()]
    elif isinstance(raw, Mapping):
        mappings = [TableMapping.from_dict(raw, where=where)]
    elif isinstance(raw, Sequence) and not isinstance(raw, str) and raw:
        mappings = [entry for at, item in enumerate(raw) for entry in parse_mappings(item, where=f"{where}[{at}]")]
    else:
        raise ConfigError(
            f'{where}: expected mappings, a list of them, or {{"Base:table": "sql_table"}}; found {describe(raw)}'
        )
    refuse_duplicates(mappings, where)
    return mappings if bases is None else [mapping.with_bases(bases) for mapping in mappings]


def _read_short(lark: str, sql: Any, where: str) -> TableMapping:
    base, _, table = lark.partition(":")
    place = f"{where}[{lark!r}]"
    if not base.strip() or not table.strip():
        raise ConfigError(f'{place}: expected "Base:table"')
    schema, _, name = read_text(sql, place).rpartition(".")
    return TableMapping(
        name=name,
        lark=LarkTarget(base=base.strip(), table=table.strip()),
        sql=SqlTarget(table=name, schema=schema or None),
    )


def refuse_duplicates(mappings: Sequence[TableMapping], where: str) -> None:
    """Check that no two mappings are in each other's way.

    :raises ConfigError: two have one name, use one SQL table, or write to one Bitable table.
    """
    seen: dict[tuple[str | None, str], str] = {}
    names: set[str] = set()
    writers: dict[LarkTarget, str] = {}
    for mapping in mappings:
        if mapping.name in names:
            raise ConfigError(
                f"{where}: two mappings are named {mapping.name!r}; set a different name: for one of them"
            )
        names.add(mapping.name)
        place = (mapping.sql.conn_id, mapping.sql.table_name)
        if place in seen:
            raise ConfigError(
                f"{where}: mappings {seen[place]!r} and {mapping.name!r} use the same SQL table {place[1]!r}; a SQL "
                "table can be synced with one Bitable table only"
            )
        seen[place] = mapping.name
        if mapping.direction != "to_sql" and mapping.lark in writers:
            raise ConfigError(
                f"{where}: mappings {writers[mapping.lark]!r} and {mapping.name!r} both write to the Bitable table "
                f"{mapping.lark.label!r}; set direction: to_sql for all but one of them"
            )
        if mapping.direction != "to_sql":
            writers[mapping.lark] = mapping.name
