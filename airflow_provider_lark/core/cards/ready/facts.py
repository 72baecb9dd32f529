"""What the facts of all ready cards have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where it happened, who is concerned, where to look. What is not known stays None, and is left out.

    :param owner: as it is written, a name or an address; it mentions nobody.
    :param mentions: open_ids of the people to notify.
    :param log_url: of the task's log. Links to localhost, and those that are none, make no button.
    :param grid_url: of the run in Airflow.
    :param runbook_url: of what to do.
    :param note: a sentence of the DAG's author.
    """

    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    map_index: int | None = None
    owner: str | None = None
    mentions: tuple[str, ...] = ()
    log_url: str | None = None
    grid_url: str | None = None
    runbook_url: str | None = None
    note: str | None = None

    @property
    def name(self) -> str:
        """DAG and task in one: ``orders.load[3]``; empty when neither is known."""
        place = "" if self.map_index is None or self.map_index < 0 else f"[{self.map_index}]"
        return ".".join(part for part in (self.dag_id, f"{self.task_id}{place}" if self.task_id else None) if part)
