"""Time zones: by the names that people give, and asked for when a date first needs one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_lark.core.errors import ConfigError

FindZone = Callable[[], tzinfo]
"""Finds a time zone; asked only for a value that needs one, because the answer may cost a call."""

Zone = tzinfo | FindZone
"""A zone that somebody has named; or a default to be found, which gives way to what a column itself tells."""


def read_zone(name: str, where: str = "time_zone") -> ZoneInfo:
    """Return a time zone.

    :param where: the entry that names it, for the message.
    :raises ConfigError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    # a folder of the zone database (Asia) and a name too long for a file are errors of the system
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError(f"{where}: {name!r} is not a time zone; write one such as Asia/Shanghai") from exc


def settled_zone(zone: Zone) -> tzinfo:
    """Return the zone itself."""
    return zone if isinstance(zone, tzinfo) else zone()
