"""A mapping of every table of a base: what it may say, and the mappings that it becomes once the tables are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.plain import describe, read_text
from airflow_provider_lark.core.sync.mapping.targets import SqlTarget

if TYPE_CHECKING:
    from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a mapping of a whole base becomes mappings of.

    :param app_token: the base.
    :param tables: names of its tables by id; None where Lark was not asked: the tables that the ledger knows then.
    :param sql_tables: the tables of the schema.
    :param fold: the form in which the database compares names.
    :param known: names of SQL tables by the ids of the Bitable tables of this base that they are synced with.
    """

    app_token: str
    tables: Mapping[str, str] | None
    sql_tables: Collection[str]
    fold: Callable[[str], str]
    known: Mapping[str, str]


@dataclass(slots=True)
class Expansion:
    """What became of the mappings of a file.

    :param refused: why tables are not synced that would be, by the name of their mapping.
    :param told: what a person should know: tables without a SQL table, tables that are gone.
    """

    mappings: list[TableMapping] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def check_whole_base(raw: Mapping[str, Any], sql: SqlTarget, where: str) -> None:
    """Check what a mapping of a whole base may say.

    :raises ConfigError: it names a table beside, or lists fields; or its names have no place for the tables' own.
    """
    lark = raw["lark"]
    if lark["tables"] != EVERY:
        raise ConfigError(f'{where}.lark.tables: expected "*", which means every table of the base')
    if named := sorted({"table", "table_id", "url"} & set(lark)):
        raise ConfigError(f"{where}.lark: has tables and {named[0]}; remove one of them")
    if "fields" in raw:
        raise ConfigError(f"{where}.fields: not with lark.tables: fields and columns of equal names are paired")
    for place, text in (("sql.table", sql.table), ("name", raw.get("name", EVERY))):
        if not isinstance(text, str) or text.count(EVERY) != 1:
            raise ConfigError(f'{where}.{place}: with lark.tables it needs one *, where the table\'s name goes: "*"')


def read_exclude(raw: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Read the names of tables that are left out.

    :raises ConfigError: they are no list of texts, or there is nothing to leave them out of.
    """
    if "exclude" not in raw:
        return ()
    given, place = raw["exclude"], f"{where}.exclude"
    if not isinstance(given, list | tuple):
        raise ConfigError(f"{place}: expected a list of names or ids of tables, found {describe(given)}")
    if "tables" not in raw:
        raise ConfigError(f'{place}: needs tables: "*" beside it')
    return tuple(read_text(name, f"{place}[{at}]") for at, name in enumerate(given))


def expand(pattern: TableMapping, found: Surroundings, others: Sequence[TableMapping]) -> Expansion:
    """Return one mapping for each table of the base that has a SQL table.

    A table that is synced keeps its SQL table by its id, whatever its name is now. Of tables whose SQL tables would be
    one and the same here, none is taken but the one that is synced already.

    :param others: the other mappings of the files, whose tables are theirs.
    """
    done = Expansion()
    known = _known_here(pattern.sql, found.known)
    tables = found.tables if found.tables is not None else dict.fromkeys(known, "")
    theirs = {found.fold(each.sql.table): each.name for each in others if each.sql.schema == pattern.sql.schema}
    own = {other.lark.table_id for other in others} - {""}
    own |= {other.lark.table for other in others if _is_in(other, pattern, found.app_token)}
    left_out = own | set(pattern.lark.exclude)
    wanted = {id_: name for id_, name in tables.items() if not left_out & {id_, name}}
    targets = {id_: known.get(id_) or pattern.sql.table.replace(EVERY, name) for id_, name in wanted.items()}
    places = {found.fold(name): name for name in found.sql_tables}
    for id_, target in targets.items():
        place = found.fold(target)
        rivals = [one for one, name in targets.items() if one != id_ and found.fold(name) == place]
        if id_ not in known and (place in theirs or rivals):
            other = f"mapping {theirs[place]!r}" if place in theirs else _listed(rivals, tables)
            done.refused[f"{target} ({id_})"] = (
                f"Bitable table {_listed([id_], tables)} and {other} would use the same SQL table {target!r} on this "
                "database; exclude all but one, or rename them"
            )
        elif place not in places:
            label = _listed([id_], tables)
            done.told.append(
                f"Bitable table {label} has no SQL table {target!r}, so it is not synced; create or exclude it"
            )
        else:
            done.mappings.append(_mapping(pattern, found.app_token, id_, places[place]))
    if found.tables is not None:
        done.told += [
            f"Bitable table {id_} is not in the base any more; SQL table {name!r}, which it was synced with, keeps its "
            f"rows. Restore it, or uninstall {_name(pattern, name)!r}"
            for id_, name in known.items()
            if id_ not in found.tables and found.fold(name) not in theirs
        ]
    return done


def _listed(ids: Sequence[str], tables: Mapping[str, str]) -> str:
    return ", ".join(f"{tables[id_]!r} ({id_})" for id_ in ids)


def _known_here(sql: SqlTarget, known: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the pattern's own schema, without it."""
    prefix = f"{sql.schema}." if sql.schema else ""
    return {id_: name.removeprefix(prefix) for id_, name in known.items() if name.startswith(prefix)}


def _is_in(other: TableMapping, pattern: TableMapping, app_token: str) -> bool:
    ours, theirs = pattern.lark, other.lark
    wiki = bool(theirs.wiki_token) and theirs.wiki_token == ours.wiki_token
    return wiki or app_token == theirs.app_token or (bool(theirs.base) and theirs.base == ours.base)


def _mapping(pattern: TableMapping, app_token: str, table_id: str, sql_table: str) -> TableMapping:
    lark = replace(pattern.lark, app_token=app_token, wiki_token="", table_id=table_id, tables="", exclude=())
    return replace(pattern, name=_name(pattern, sql_table), lark=lark, sql=replace(pattern.sql, table=sql_table))


def _name(pattern: TableMapping, sql_table: str) -> str:
    return pattern.name.replace(EVERY, sql_table)
