"""Time zones that people give by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_lark.core.errors import ConfigError


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
