"""The parameter ``dry_run`` of operators that write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_lark.hooks.parameters import read_flag
from airflow_provider_lark.operators.calling import CallingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DryRunOperator(CallingOperator):
    """Can say what it would do, instead of doing it.

    :param dry_run: write nothing, and return what would be done: how many rows and records of each kind, and the first
        keys; no values. Asset aliases hear nothing of it, and lineage neither. Templated.
    """

    def __init__(self, *, dry_run: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Airflow has a method dry_run, so that no template field can be called so: it is rendered by execute()
        self.plan_only = dry_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the work, or tell what it would be, and return plain data."""
        self.plan_only = self.render_template(self.plan_only, context)
        # the next one in the order of bases does the work
        done: dict[str, Any] = super().execute(context)
        return done

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be written; known once the task runs."""
        return read_flag(self.plan_only, "dry_run")
