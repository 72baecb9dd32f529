"""The time zone that a transfer is given by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_lark.core.errors import ConfigError


def read_zone(name: str) -> ZoneInfo:
    """Return a time zone.

    :raises ConfigError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError(f"time_zone: {name!r} is not known; expected a name such as Asia/Shanghai") from exc
