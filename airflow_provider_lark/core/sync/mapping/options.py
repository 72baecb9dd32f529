"""The options of a mapping: single values that have a default, each read by a rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.zones import read_zone
from airflow_provider_lark.core.sync.mapping.plain import read_choice, read_optional_text, read_text
from airflow_provider_lark.core.sync.mapping.targets import HISTORY_MODES, LEAVINGS, USER_KEYS, HistoryMode, UserKey

OPTION_DEFAULTS: dict[str, Any] = {
    "leaving": "keep",
    "time_zone": None,
    "users": "id",
    "record_id_column": None,
    "skew_seconds": 2.0,
    "overlap_seconds": 60.0,
    "settle_seconds": 0.0,
    "capture_overlap_seconds": 300.0,
    "max_delete_ratio": 0.2,
    "max_delete_rows": 20,
    "batch_size": 1000,
    "retention_days": 30,
    "history": "full",
    "lock_wait_seconds": 30.0,
}


def read_options(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return every option of a mapping, its default where *raw* does not give it.

    :raises ConfigError: names the option that is wrong.
    """
    return {name: read(raw.get(name, OPTION_DEFAULTS[name]), f"{where}.{name}") for name, read in _OPTIONS.items()}


def read_user_key(raw: Any, where: str) -> UserKey:
    """Return how SQL names persons.

    :raises ConfigError: *raw* is none of the ways.
    """
    return cast("UserKey", read_choice("" if raw is None else raw, USER_KEYS, where))


def _read_leaving(raw: Any, where: str) -> Any:
    return read_choice("" if raw is None else raw, LEAVINGS, where)


def _read_history(raw: Any, where: str) -> HistoryMode:
    return cast("HistoryMode", read_choice("" if raw is None else raw, HISTORY_MODES, where))


def _read_zone(raw: Any, where: str) -> str | None:
    if raw is None:
        return None
    name = read_text(raw, where)
    read_zone(name, where)
    return name


def _number(low: float, high: float, *, whole: bool = False) -> Callable[[Any, str], Any]:
    def read(raw: Any, where: str) -> Any:
        wanted = int if whole else (int, float)
        if isinstance(raw, bool) or not isinstance(raw, wanted) or not low <= raw <= high:
            raise ConfigError(f"{where}: expected a {'whole ' if whole else ''}number from {low:g} to {high:g}")
        return raw

    return read


_OPTIONS: dict[str, Callable[[Any, str], Any]] = {
    "leaving": _read_leaving,
    "time_zone": _read_zone,
    "users": read_user_key,
    "record_id_column": read_optional_text,
    "skew_seconds": _number(0, 86_400),
    "overlap_seconds": _number(0, 86_400),
    "settle_seconds": _number(0, 600),
    "capture_overlap_seconds": _number(0, 86_400),
    "max_delete_ratio": _number(0, 1),
    "max_delete_rows": _number(0, 10**9, whole=True),
    "batch_size": _number(1, 1000, whole=True),
    "retention_days": _number(1, 36_500, whole=True),
    "history": _read_history,
    "lock_wait_seconds": _number(0.01, 3600),
}
