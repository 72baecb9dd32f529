"""LarkHITLBridgeOperator: gives Airflow the answers that people gave in Lark, and closes cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.core.errors import RetriableError, Stopped
from airflow_provider_lark.hooks.errors import airflow_errors, told
from airflow_provider_lark.hooks.parameters import read_seconds
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.hooks.hitl.bridge import HitlBridge

_DAY_SECONDS = 86_400.0


class LarkHITLBridgeOperator(CallingOperator):
    """Carries answers over for every task that asked with :class:`.LarkHITLNotifier`, and closes their cards.

    One task serves all DAGs of a Lark connection. It gives each answer as soon as the task waits, looks whether Airflow
    took it and the task went on, and lets the card say so; it closes the cards of tasks that were answered in Airflow,
    timed out, ask anew or ended, and sends cards that the notifier could not send. Nothing is lost when it is killed,
    and several may run: an answer stands in the database until Airflow has it, and Airflow takes one.

    Returns how many ended, by outcome: ``{"delivered": 3, "answered": 1}``.

    :param lark_conn_id: connection of type ``lark``.
    :param airflow_conn_id: connection to Airflow's own REST API: *host* is the address of the api-server, *login* and
        *password* are those of an account that may read task instances and answer what they ask; or *password* alone is
        a token. A task with ``assigned_users`` has to name this account, too.
    :param run_for: for how long, a ``timedelta`` or seconds, up to a day; default: one look.
    :param poll_interval: seconds between two looks.
    :param deferrable: look in the triggerer and free the worker; by default as ``[operators] default_deferrable`` says.
    """

    template_fields: Sequence[str] = (
        *("lark_conn_id", "airflow_conn_id", "run_for", "poll_interval"),
        *CallingOperator.template_fields,
    )

    def __init__(
        self,
        *,
        lark_conn_id: str = "lark_default",
        airflow_conn_id: str = "airflow_api",
        run_for: timedelta | float | str | None = None,
        poll_interval: float | str = 1.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lark_conn_id = lark_conn_id
        self.airflow_conn_id = airflow_conn_id
        self.run_for = run_for
        self.poll_interval = poll_interval
        self.deferrable = deferrable

    def execute(self, context: Context) -> dict[str, int]:
        """Look once, or for a while."""
        from airflow_provider_lark.hooks.calls.calling import CallingHook

        with airflow_errors():
            seconds, pause = self._seconds(), self._pause_seconds()
            if self.deferrable and seconds > 0:
                self._defer(CallingHook.clock.now() + seconds, pause)
            with self._open() as bridge:
                end = CallingHook.clock.monotonic() + seconds
                while True:
                    self._look(bridge, is_last=CallingHook.clock.monotonic() + pause > end)
                    if CallingHook.clock.monotonic() + pause > end:
                        return dict(bridge.counts)
                    self.stop_flag.sleep(CallingHook.clock, pause)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, int]:
        """Go on after the triggerer has looked.

        :raises AirflowException: it could not look.
        """
        if event is None or event.get("status") != "success":
            answer = event or {}
            kind = AirflowFailException if answer.get("permanent") else AirflowException
            raise told(kind(str(answer.get("message") or "the trigger ended without a result")))
        return dict(event["counts"])

    def _look(self, bridge: HitlBridge, *, is_last: bool) -> None:
        try:
            bridge.look()
        except Stopped:
            raise
        except RetriableError as exc:
            if is_last:
                raise
            self.log.warning("could not look, and tries again: %s", exc)

    def _open(self) -> HitlBridge:
        from airflow_provider_lark.hooks.hitl.bridge import HitlBridge

        return HitlBridge.open(self.lark_conn_id, self.airflow_conn_id, self.call_settings)

    def _defer(self, until: float, pause: float) -> None:
        from airflow_provider_lark.hooks.calls.settings import CallSettings
        from airflow_provider_lark.triggers.hitl import LarkHITLBridgeTrigger

        self.defer(
            trigger=LarkHITLBridgeTrigger(
                lark_conn_id=self.lark_conn_id,
                airflow_conn_id=self.airflow_conn_id,
                until_ms=round(until * 1000),
                calls=CallSettings.read(**self.call_settings).to_plain(),
                poll_interval_seconds=pause,
                # a database that is down for a while ends nothing
                max_failures=None,
            ),
            method_name="execute_complete",
        )

    def _seconds(self) -> float:
        given = self.run_for.total_seconds() if isinstance(self.run_for, timedelta) else self.run_for
        return read_seconds(given, "run_for", longest=_DAY_SECONDS) or 0.0

    def _pause_seconds(self) -> float:
        return max(read_seconds(self.poll_interval, "poll_interval", longest=3600.0) or 0.0, 1.0)
