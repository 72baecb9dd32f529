"""What operators that bring two tables in step have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.hooks.parameters import read_flag, read_names, read_text, refuse_choice
from airflow_provider_lark.hooks.receiving.allowed import read_allowed, refuse_nobody
from airflow_provider_lark.operators.dry_run import DryRunOperator
from airflow_provider_lark.operators.lineage import CHANGES, count_changes
from airflow_provider_lark.operators.syncs.base import BitableSyncOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core import SyncEngine
    from airflow_provider_lark.core.sync.report import SyncReport


class WritingSyncOperator(DryRunOperator, BitableSyncOperator):
    """Writes rows and records.

    :param alias_changes: which of them make an event of the asset aliases among the *outlets*: ``both``, those written
        ``to_sql``, or those ``to_lark``. A run that writes none of them makes no event.
    :param allow_mass_deletes: delete even when more was deleted on one side than the mapping's ``max_delete_ratio``
        and ``max_delete_rows`` allow, and what earlier runs held back. Set it for one run, after a look at both tables.
    :param decision_chat: chat or person that gets one card for open conflicts, held deletes and failed rows, which is
        updated after each run; what people press there, the next run carries out. Needs the token store, and a receiver
        for clicks.
    :param decision_allowed: who may press, as *allowed* of :class:`.LarkApprovalOperator` names people; default:
        everybody who sees the card.
    :param decision_hidden: columns whose values the card does not show.
    """

    template_fields: Sequence[str] = (
        *(*BitableSyncOperator.template_fields, "allow_mass_deletes"),
        *("decision_chat", "decision_allowed", "decision_hidden"),
    )

    operation: ClassVar[Literal["incremental", "full"]]

    def __init__(
        self,
        *,
        alias_changes: Literal["both", "to_sql", "to_lark"] = "both",
        allow_mass_deletes: bool | str = False,
        decision_chat: str | None = None,
        decision_allowed: Sequence[str] | str | None = None,
        decision_hidden: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_choice("alias_changes", alias_changes, CHANGES)
        refuse_nobody(decision_allowed, "decision_allowed")
        self.alias_changes = alias_changes
        self.allow_mass_deletes = allow_mass_deletes
        self.decision_chat = decision_chat
        self.decision_allowed = decision_allowed
        self.decision_hidden = decision_hidden
        self._map_index = -1

    def execute(self, context: Context) -> dict[str, Any]:
        """Run once and return the report as plain data."""
        self._map_index = getattr(context.get("ti"), "map_index", -1)
        return super().execute(context)

    @property
    def _owner(self) -> str:
        """What names this task, over all its runs."""
        from airflow_provider_lark.hooks.receiving.questions import content_mark

        dag_id = self.dag_id if self.has_dag() else ""  # type: ignore[no-untyped-call]  # Airflow's
        return content_mark([dag_id, self.task_id, self._map_index])

    def _run(self, engine: SyncEngine) -> dict[str, Any]:
        allows = read_flag(self.allow_mass_deletes, "allow_mass_deletes")
        if not self.is_dry_run:
            return self._sync(engine, allows)
        with engine.plan(self.operation, allow_mass_deletes=allows) as plan:
            for (side, kind), count in plan.counts.items():
                self.log.info("%s: would %s %s in %s", engine.mapping.name, kind, count, side)
            return plan.to_dict()

    def _with_decisions(self, engine: SyncEngine, run: Callable[..., SyncReport]) -> Callable[..., SyncReport]:
        """Return *run* as it is done where people decide in a chat what it leaves to them."""
        chat, hook = read_text(self.decision_chat), self._hook()
        if chat is None:
            if hook.settings.token_store_conn_id is None:
                return run
            from airflow_provider_lark.hooks.receiving.board_messages import LeftCards

            left = LeftCards(hook, self._owner)
            return lambda *given: left.after(engine, partial(run, *given))
        from airflow_provider_lark.hooks.receiving.decisions import DecisionCard

        card = DecisionCard(
            hook,
            chat,
            read_allowed(self.decision_allowed, "decision_allowed"),
            frozenset(str(each) for each in read_names(self.decision_hidden, "decision_hidden")),
            self._sql_conn_id(engine.mapping),
            self._owner,
        )
        return lambda *given: card.around(engine, partial(run, *given))

    @abstractmethod
    def _sync(self, engine: SyncEngine, allow_mass_deletes: bool) -> dict[str, Any]:
        """Write, and return the report as plain data."""

    def _count_changes(self, report: Mapping[str, Any]) -> int:
        return count_changes(report, self.alias_changes)
