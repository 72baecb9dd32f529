"""How what has to go on for ever tells of failures, and how long it pauses after them."""

from __future__ import annotations

import logging
from contextlib import suppress

log = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 60.0
_TOLD_EVERY = 60


def tell_failure(what: str, exc: Exception, failures: int) -> None:
    """Log the first of *failures* in a row, and then one in sixty."""
    if failures == 1 or failures % _TOLD_EVERY == 0:
        with suppress(Exception):
            from airflow_provider_lark.core.errors import LarkError

            # another one's text may quote anything
            log.warning("%s, and is tried again: %s", what, exc if isinstance(exc, LarkError) else type(exc).__name__)


def pause_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row: longer each time, up to a minute."""
    return min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(failures - 1, 6))
