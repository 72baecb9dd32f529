"""Runs that :class:`.LarkEventTrigger` started for events which another run has taken meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.errors import told

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.lark import LarkHook


def skip_what_is_done(hook: LarkHook, woken_by: Mapping[Any, Sequence[Any]] | None) -> None:
    """Do nothing, unless wake-ups alone started the run and the inbox has no event left; Lark is not asked.

    An event that a run has taken and not finished counts as left: that run may have died.

    :param woken_by: Airflow's ``triggering_asset_events``.
    :raises AirflowSkipException: all is done.
    """
    from airflow_provider_lark.hooks.receiving.inbox import open_waiting

    events = [event for each in (woken_by or {}).values() for event in each]
    if not events or not all(map(_is_wake_up, events)):
        return
    try:
        is_done = not open_waiting(hook, ()).has_open()
    except LarkError:
        # the table is polled, as without an inbox
        return
    if is_done:
        raise told(AirflowSkipException("the events that this run was started for, an earlier run has taken"))


def _is_wake_up(event: Any) -> bool:
    extra = event.extra or {}
    payload = extra.get("payload")
    return bool(extra.get("from_trigger")) and isinstance(payload, Mapping) and set(payload) == {"waiting"}
