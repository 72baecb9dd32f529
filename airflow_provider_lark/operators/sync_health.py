"""An operator that tells people, on one card, when the sync of a mapping is not well, and when it is again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import told
from airflow_provider_lark.hooks.parameters import read_count, read_flag, read_number, read_text
from airflow_provider_lark.operators.syncs.base import BitableSyncOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import SyncEngine
    from airflow_provider_lark.core.sync.health.limits import Limits

_LIMITS = (
    *("max_pending", "max_oldest_seconds", "max_failure_rate", "max_delay_seconds", "max_failed", "max_held"),
    *("max_conflicts", "max_loops", "max_silence_seconds", "max_drift"),
)


class BitableSyncHealthOperator(BitableSyncOperator):
    """Looks whether a mapping is within its limits, from the ledger alone; a chat or a person gets one card.

    The card turns red with the first trouble, changes with each look while that goes on, and turns green after
    *good_checks* looks in a row that found nothing. A limit of None is none. What nothing is known of (a share of no
    changes, a delay of none) is no trouble.

    :param chat: chat or person that gets the card; default: nobody, and the report alone says it.
    :param max_pending: changes in SQL that may wait for Lark.
    :param max_oldest_seconds: how old the oldest of them may be.
    :param max_failure_rate: share of the last hour's changes that may fail, 0 to 1, where at least *min_entries* ended.
    :param max_delay_seconds: mean delay of the last hour's changes, from SQL to Lark.
    :param max_failed: rows that may have failed for good.
    :param max_held: deletes that may wait for approval.
    :param max_conflicts: conflicts that may wait for a decision.
    :param max_loops: rows that may have been synced more than ten times within the last hour.
    :param max_silence_seconds: how long ago the last run may be that did not fail; never is too long.
    :param max_drift: rows in which the last consistency check may have found the sides to differ.
    :param blacklist_loops: leave rows in a loop alone for an hour.
    :param fail_on_trouble: fail the task, without retries, while something is over its limit. The report is in XCom
        either way.
    """

    template_fields: Sequence[str] = (
        *BitableSyncOperator.template_fields,
        *("chat", "max_pending", "max_oldest_seconds", "max_failure_rate", "min_entries", "max_delay_seconds"),
        *("max_failed", "max_held", "max_conflicts", "max_loops", "max_silence_seconds", "max_drift"),
        *("good_checks", "blacklist_loops"),
    )

    def __init__(
        self,
        *,
        chat: str | None = None,
        max_pending: float | str | None = 1000,
        max_oldest_seconds: float | str | None = None,
        max_failure_rate: float | str | None = 0.1,
        min_entries: int | str = 20,
        max_delay_seconds: float | str | None = 30.0,
        max_failed: float | str | None = None,
        max_held: float | str | None = 0,
        max_conflicts: float | str | None = None,
        max_loops: float | str | None = 0,
        max_silence_seconds: float | str | None = None,
        max_drift: float | str | None = None,
        good_checks: int | str = 3,
        blacklist_loops: bool | str = False,
        fail_on_trouble: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chat = chat
        self.max_pending = max_pending
        self.max_oldest_seconds = max_oldest_seconds
        self.max_failure_rate = max_failure_rate
        self.min_entries = min_entries
        self.max_delay_seconds = max_delay_seconds
        self.max_failed = max_failed
        self.max_held = max_held
        self.max_conflicts = max_conflicts
        self.max_loops = max_loops
        self.max_silence_seconds = max_silence_seconds
        self.max_drift = max_drift
        self.good_checks = good_checks
        self.blacklist_loops = blacklist_loops
        self.fail_on_trouble = fail_on_trouble

    def execute(self, context: Context) -> dict[str, Any]:
        """Look once, and return the report.

        :raises AirflowFailException: something is over its limit and *fail_on_trouble* is set.
        """
        report = super().execute(context)
        if self.fail_on_trouble and not report["is_well"]:
            # a failed task returns nothing
            context["ti"].xcom_push(key="return_value", value=report)
            raise told(AirflowFailException(f"mapping {report['mapping']!r}: {'; '.join(report['troubles'])}"))
        return report

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        from airflow_provider_lark.core.sync.health.watch import Watch

        watch = Watch(
            engine.mapping.name,
            engine.mapping.sql.table_name,
            self._limits(),
            receive_id=read_text(self.chat),
            good_wanted=_read_one_or_more(self.good_checks, "good_checks"),
            blacklists_loops=read_flag(self.blacklist_loops, "blacklist_loops"),
        )
        return watch.check(engine.client, engine.sql_engine, engine.clock).to_dict()

    def _limits(self) -> Limits:
        """Return the limits.

        :raises ConfigError: one is no number, or there is none at all.
        """
        from airflow_provider_lark.core.sync.health.limits import Limits

        given = {name: read_number(getattr(self, name), name) for name in _LIMITS}
        if all(limit is None for limit in given.values()):
            raise ConfigError("every limit is None, so nothing would ever be told; leave one out to have its default")
        rate = given["max_failure_rate"]
        if rate is not None and rate > 1:
            raise ConfigError(f"max_failure_rate is {rate:g}: expected a share, such as 0.1 for 10 %")
        return Limits(
            entries_min=_read_one_or_more(self.min_entries, "min_entries"),
            **{name.removeprefix("max_"): limit for name, limit in given.items()},
        )


def _read_one_or_more(value: int | str, where: str) -> int:
    count = read_count(value, where)
    if not count:
        raise ConfigError(f"{where}: expected a whole number of 1 or more")
    return count
