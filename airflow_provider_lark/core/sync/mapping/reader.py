"""Reading one mapping from plain data; every error names the entry that is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from airflow_provider_lark.core.api.address import TableAddress, parse_url
from airflow_provider_lark.core.conditions.condition import read_optional_filter
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.mapping.options import OPTION_DEFAULTS, read_options, read_user_key
from airflow_provider_lark.core.sync.mapping.plain import describe, read_choice, read_optional_text, read_text
from airflow_provider_lark.core.sync.mapping.targets import (
    DIRECTIONS,
    FIELD_WINNERS,
    ON_DELETE,
    OWNERS,
    TIME_UNITS,
    WINNERS,
    CapturePolicy,
    ConflictPolicy,
    DeletePolicy,
    Direction,
    FieldPair,
    LarkTarget,
    OnDelete,
    SqlTarget,
    Winner,
)
from airflow_provider_lark.core.sync.mapping.whole_base import check_whole_base, read_exclude

_MAPPING_KEYS = ("name", "lark", "sql", "fields", "direction", "conflict", "deletes", "capture", *OPTION_DEFAULTS)
_LARK_KEYS = ("app_token", "table_id", "url", "base", "table", "wiki_token", "filter", "view", "tables", "exclude")
_SQL_KEYS = ("conn_id", "table", "schema", "key", "filter")
_CAPTURE_KEYS = ("column", "unit")
_FIELD_KEYS = ("field", "column", "direction", "link", "users", "on_delete", "conflict", "owner")


def read_parts(raw: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Read one mapping in the long form: the arguments of a ``TableMapping``.

    :raises ConfigError: names the entry that is wrong.
    """
    _need(raw, Mapping, where, "a mapping with lark and sql")
    _refuse_unknown(raw, _MAPPING_KEYS, where)
    sql = _read_sql(raw.get("sql"), f"{where}.sql")
    if isinstance(raw.get("lark"), Mapping) and "tables" in raw["lark"]:
        check_whole_base(raw, sql, where)
    return dict(
        name=read_text(raw.get("name", sql.table_name), f"{where}.name"),
        lark=_read_lark(raw.get("lark"), f"{where}.lark"),
        sql=sql,
        fields=_read_fields(raw.get("fields"), f"{where}.fields"),
        direction=_read_direction(raw.get("direction", "both"), f"{where}.direction"),
        conflict=_read_conflict(raw.get("conflict", "newest"), f"{where}.conflict"),
        deletes=_read_deletes(raw.get("deletes", "propagate"), f"{where}.deletes"),
        capture=_read_capture(raw.get("capture", "trigger"), f"{where}.capture"),
        **read_options(raw, where),
    )


def parse_table_url(url: str, *, where: str = "url") -> LarkTarget:
    """Read a table's address: ``https://…/base/<app_token>?table=<table_id>``, or ``/wiki/<node>?table=…``.

    :raises ConfigError: the address is not one of a Bitable table.
    """
    found = _read_address(url, where)
    if not found.table_id:
        raise ConfigError(
            f"{where}: the address does not specify a table; open the table in Lark and copy the address with ?table="
        )
    return LarkTarget(app_token=found.app_token, wiki_token=found.wiki_token, table_id=found.table_id)


def _read_address(url: str, where: str) -> TableAddress:
    try:
        return parse_url(url)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}") from None


def _read_lark(raw: Any, where: str) -> LarkTarget:
    _need(raw, Mapping, where, "{app_token, table_id}, {url} or {base, table}")
    _refuse_unknown(raw, _LARK_KEYS, where)
    exclude = read_exclude(raw, where)
    limits: dict[str, Any] = {"filter": read_optional_filter(raw, where)}
    if "view" in raw:
        limits["view"] = read_text(raw["view"], f"{where}.view")
    if "url" in raw:
        return replace(parse_table_url(read_text(raw["url"], f"{where}.url"), where=f"{where}.url"), **limits)
    texts: dict[str, Any] = {
        name: read_text(raw[name], f"{where}.{name}") for name in raw if name not in ("exclude", "filter", "view")
    }
    target = LarkTarget(**texts, exclude=exclude, **limits)
    for name in ("app_token", "base", "wiki_token"):
        if "://" in getattr(target, name):
            found = _read_address(getattr(target, name), f"{where}.{name}")
            target = replace(target, base="", app_token=found.app_token, wiki_token=found.wiki_token)
    if not (target.app_token or target.base or target.wiki_token):
        raise ConfigError(f"{where}: no base; give app_token, base (a name from the connection) or url")
    if not (target.table_id or target.table or target.tables):
        raise ConfigError(f'{where}: no table; give table_id, table (its name), url, or tables: "*" for the whole base')
    return target


def _read_sql(raw: Any, where: str) -> SqlTarget:
    if isinstance(raw, str):
        raw = {"table": raw}
    _need(raw, Mapping, where, "{table, conn_id, schema, key}")
    _refuse_unknown(raw, _SQL_KEYS, where)
    key = raw.get("key")
    columns = () if key in (None, "") else (key,) if isinstance(key, str) else key
    _need(columns, Sequence, f"{where}.key", "a column, or a list of columns")
    return SqlTarget(
        table=read_text(raw.get("table"), f"{where}.table"),
        schema=_read_name(raw.get("schema"), f"{where}.schema"),
        conn_id=_read_name(raw.get("conn_id"), f"{where}.conn_id"),
        key=tuple(_read_exact(column, f"{where}.key[{at}]") for at, column in enumerate(columns)),
        filter=read_optional_filter(raw, where),
    )


def _read_fields(raw: Any, where: str) -> tuple[FieldPair, ...] | None:
    if raw is None:
        return None
    if isinstance(raw, Mapping):
        raw = [{"field": field, "column": column} for field, column in raw.items()]
    _need(raw, list, where, "a list of {field, column}")
    pairs = tuple(_read_field(item, f"{where}[{at}]") for at, item in enumerate(raw))
    if not pairs:
        raise ConfigError(
            f"{where}: is empty; list the fields, or leave it out to pair fields and columns of the same name"
        )
    for side in ("field", "column"):
        names = [getattr(pair, side) for pair in pairs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"{where}: {side} {twice[0]!r} is listed twice")
    return pairs


def _read_field(raw: Any, where: str) -> FieldPair:
    if isinstance(raw, str):
        raw = {"field": raw, "column": raw}
    _need(raw, Mapping, where, "{field, column}")
    _refuse_unknown(raw, _FIELD_KEYS, where)
    direction = raw.get("direction")
    return FieldPair(
        field=_read_exact(raw.get("field"), f"{where}.field"),
        column=_read_exact(raw.get("column", raw.get("field")), f"{where}.column"),
        direction=None if direction is None else _read_direction(direction, f"{where}.direction"),
        link=read_optional_text(raw.get("link"), f"{where}.link"),
        users=None if raw.get("users") is None else read_user_key(raw["users"], f"{where}.users"),
        on_delete=_read_on_delete(raw, f"{where}.on_delete"),
        conflict=read_choice(raw.get("conflict"), FIELD_WINNERS, f"{where}.conflict"),
        owner=read_choice(raw.get("owner"), OWNERS, f"{where}.owner"),
    )


def _read_on_delete(raw: Mapping[str, Any], where: str) -> OnDelete | None:
    given = read_choice(raw.get("on_delete"), ON_DELETE, where)
    if given is not None and raw.get("link") is None:
        raise ConfigError(f"{where}: needs link: beside it, the table that the column refers to")
    return cast("OnDelete | None", given)


def _read_direction(raw: Any, where: str) -> Direction:
    return cast("Direction", read_choice("" if raw is None else raw, DIRECTIONS, where))


def _read_conflict(raw: Any, where: str) -> ConflictPolicy:
    if raw == "manual":
        return ConflictPolicy(mode="manual")
    if raw in WINNERS:
        return ConflictPolicy(winner=cast("Winner", raw))
    mode, _, winner = ("merge:newest" if raw == "merge" else str(raw)).partition(":")
    if mode == "merge" and winner in WINNERS:
        return ConflictPolicy(mode="merge", winner=cast("Winner", winner))
    raise ConfigError(f"{where}: {raw!r} is not one of newest, lark, sql, merge, merge:lark, merge:sql, manual")


def _read_deletes(raw: Any, where: str) -> DeletePolicy:
    mode, _, column = str(raw).partition(":")
    if mode in ("propagate", "ignore") and not column:
        return DeletePolicy(mode=cast("Any", mode))
    if mode == "soft" and column:
        return DeletePolicy(mode="soft", column=column)
    raise ConfigError(f"{where}: {raw!r} is not one of propagate, soft:<column>, ignore")


def _read_capture(raw: Any, where: str) -> CapturePolicy:
    if isinstance(raw, Mapping):
        _refuse_unknown(raw, _CAPTURE_KEYS, where)
        unit = raw.get("unit")
        if unit is not None and unit not in TIME_UNITS:
            raise ConfigError(f"{where}.unit: {unit!r} is not one of {', '.join(TIME_UNITS)}")
        return CapturePolicy("column", read_text(raw.get("column"), f"{where}.column"), cast("Any", unit))
    if raw in ("trigger", "scan"):
        return CapturePolicy(cast("Any", raw))
    mode, _, column = str(raw).partition(":")
    if mode == "column" and column.strip():
        return CapturePolicy("column", column.strip())
    raise ConfigError(f"{where}: {raw!r} is not one of trigger, column:<column>, scan, {{column, unit}}")


def _read_name(raw: Any, where: str) -> str | None:
    """Read a name that may be left empty, as a template may leave it."""
    return None if raw == "" else read_optional_text(raw, where)


def _need(raw: Any, wanted: type, where: str, shape: str) -> None:
    if not isinstance(raw, wanted):
        raise ConfigError(f"{where}: expected {shape}, found {describe(raw)}")


def _read_exact(raw: Any, where: str) -> str:
    """Return a name with the blanks around it, which a column may have."""
    read_text(raw, where)
    return str(raw)


def _refuse_unknown(raw: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in raw:
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"known: {', '.join(known)}")
            raise ConfigError(f"{where}.{name}: unknown key; {hint}")
