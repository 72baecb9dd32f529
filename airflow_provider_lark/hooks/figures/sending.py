"""From a figure to Airflow's stats, whichever of its three copies and versions this process has."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.figures.names import Figure

log = logging.getLogger(__name__)

LONGEST_VALUE = 80
"""So long is a tag's value at most; Airflow drops names over 250 characters, and the longest has one such value."""

# Datadog folds capitals, and underscores that stand together or at an end; so what is kept tells texts apart there too
_KEPT = re.compile(r"[a-z0-9]|(?<=[a-z0-9])_(?=[a-z0-9])")
_SHA_LENGTH = 16

_given_up = 0
"""The process in which sending has failed."""


class Sender:
    """Sends figures; a failure is told once in a process, and ends the sending there.

    :param puts_tags_in_names: for plain StatsD, where two mappings were one series otherwise.
    """

    def __init__(self, stats: Any, *, puts_tags_in_names: bool) -> None:
        self._stats = stats
        self._puts_tags_in_names = puts_tags_in_names

    def count(self, figure: Figure, value: int, **tags: str) -> None:
        """Add to a counter."""
        self._send("incr", figure, value, tags)

    def set(self, figure: Figure, value: float, **tags: str) -> None:
        """Set a gauge."""
        self._send("gauge", figure, value, tags)

    def _send(self, verb: Literal["incr", "gauge"], figure: Figure, value: float, tags: dict[str, str]) -> None:
        if _given_up == os.getpid():
            return
        name, values = figure.name, {tag: write_value(tags[tag]) for tag in figure.tags}
        if self._puts_tags_in_names:
            name, values = ".".join((name, *values.values())), {}
        try:
            getattr(self._stats, verb)(name, value, tags=values or None)
        except Exception as exc:  # noqa: BLE001  # no figure is worth a run; it is logged
            _give_up(exc)


def open_sender() -> Sender | None:
    """Return what sends figures; None where Airflow's stats are off, or do not work.

    The first time in a process it looks up the host, which may block.
    """
    is_datadog = conf.getboolean("metrics", "statsd_datadog_enabled", fallback=False)
    is_statsd = not is_datadog and conf.getboolean("metrics", "statsd_on", fallback=False)
    is_otel = conf.getboolean("metrics", "otel_on", fallback=False)
    if not (is_datadog or is_statsd or is_otel) or _given_up == os.getpid():
        return None
    # with tags of Influx they are in the name, but Airflow writes them there
    tagged = ("statsd_datadog_metrics_tags", True) if is_datadog else ("statsd_influxdb_enabled", False)
    is_plain = (is_datadog or is_statsd) and not conf.getboolean("metrics", tagged[0], fallback=tagged[1])
    try:
        stats = _open_stats()
        # makes the client and sends nothing
        stats.timer()
    except Exception as exc:  # noqa: BLE001  # no figure is worth a run; it is logged
        _give_up(exc)
        return None
    return Sender(stats, puts_tags_in_names=is_plain)


def write_value(text: str) -> str:
    """Return *text* as every backend takes it as the value of a tag, and so that no two texts become one.

    Small letters, digits and underscores between them stay; each byte of UTF-8 of the rest becomes ``-`` and two
    hexadecimal digits. What is longer than :data:`LONGEST_VALUE` ends with ``--`` and a part of its SHA-256.

    >>> write_value("shop_orders"), write_value("MyDB:a b")
    ('shop_orders', '-4dy-44-42-3aa-20b')
    """
    kept = {match.start() for match in _KEPT.finditer(text)}
    written = "".join(char if at in kept else _escape(char) for at, char in enumerate(text))
    if len(written) <= LONGEST_VALUE:
        return written or "--"
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHA_LENGTH]
    return f"{written[: LONGEST_VALUE - _SHA_LENGTH - 2]}--{mark}"


def _escape(char: str) -> str:
    return "".join(f"-{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def _give_up(exc: Exception) -> None:
    global _given_up
    _given_up = os.getpid()
    log.warning("no more figures are sent from this process: %s: %s", type(exc).__name__, exc)


def _open_stats() -> Any:
    """Return the stats that Airflow has set up in this process: those of tasks, or those of its own services.

    In other processes, as those of commands, nobody has; they are set up here. Twice would lose what Airflow itself
    counted: of two OpenTelemetry providers only the last is flushed at the end.
    """
    from airflow.sdk.observability import stats as of_tasks

    if _is_set_up(of_tasks):
        return of_tasks.Stats
    from airflow.observability import stats as of_services

    if _is_set_up(of_services):
        return of_services.Stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    if hasattr(of_tasks, "initialize"):
        has_legacy_names = conf.getboolean("metrics", "legacy_names_on", fallback=True)
        of_tasks.initialize(factory=get_stats_factory(), export_legacy_names=has_legacy_names)
    else:
        of_tasks.Stats.initialize(factory=get_stats_factory(of_tasks.Stats))  # type: ignore[call-arg]  # Airflow 3.2
    return of_tasks.Stats


def _is_set_up(stats: ModuleType) -> bool:
    if not hasattr(stats, "initialize"):
        # Airflow 3.2
        return stats.Stats.factory is not None
    # a version that keeps it elsewhere is taken to be set up
    return vars(sys.modules[stats.initialize.__module__]).get("_factory", stats) is not None
