"""Every figure that is sent: its name, which never holds a user's text, and its tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; a series for each combination of its tags' values.

    :param tags: in the order in which plain StatsD, which has no tags, gets their values as parts of the name.
    """

    name: str
    kind: Literal["counter", "gauge"]
    tags: tuple[str, ...] = ("mapping",)


PENDING = Figure("lark.sync.pending", "gauge")
OLDEST = Figure("lark.sync.oldest_seconds", "gauge")
FAILED = Figure("lark.sync.failed", "gauge")
HELD = Figure("lark.sync.held", "gauge")
OPEN_CONFLICTS = Figure("lark.sync.open_conflicts", "gauge")
BLACKLISTED = Figure("lark.sync.blacklisted", "gauge")
LOOPS = Figure("lark.sync.loops", "gauge")
DRIFT = Figure("lark.sync.drift", "gauge")
LAST_RUN = Figure("lark.sync.last_run", "gauge")
LAST_SUCCESS = Figure("lark.sync.last_success", "gauge")
RUN_SECONDS = Figure("lark.sync.run_seconds", "gauge")

RUNS = Figure("lark.sync.runs", "counter", ("mapping", "operation", "status"))
RUN_ERRORS = Figure("lark.sync.run_errors", "counter", ("mapping", "error"))
ROWS = Figure("lark.sync.rows", "counter", ("mapping", "direction", "change"))
CONFLICTS = Figure("lark.sync.conflicts", "counter")
FAILURES = Figure("lark.sync.failures", "counter")
NEAR_MISSES = Figure("lark.sync.near_misses", "counter")
REWRITTEN = Figure("lark.sync.rewritten", "counter")
SKIPPED = Figure("lark.sync.skipped", "counter")
DELAYED_ROWS = Figure("lark.sync.delayed_rows", "counter", ("mapping", "direction"))
DELAY = Figure("lark.sync.delay_ms", "counter", ("mapping", "direction"))
LOST_EVENTS = Figure("lark.sync.lost_events", "counter")

CALLS = Figure("lark.api.calls", "counter", ("route", "code"))
TOKEN_RENEWALS = Figure("lark.api.token_renewals", "counter", ("route",))
RATE_LIMIT_WAITS = Figure("lark.api.rate_limit_waits", "counter", ("route",))
RATE_LIMIT_WAIT = Figure("lark.api.rate_limit_wait_ms", "counter", ("route",))

FIGURES = tuple(value for value in list(globals().values()) if isinstance(value, Figure))
"""All of them."""

STATES = tuple(figure for figure in FIGURES if figure.kind == "gauge")
"""Those that tell how a mapping is: they would keep their last value when it is gone."""
