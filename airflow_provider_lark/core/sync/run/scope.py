"""A change of a mapping's filters: what it puts out of scope is kept on both sides, whatever ``leaving`` says."""

from __future__ import annotations

from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sync.run.run import Run


def note_scope(run: Run, state: Checkpoint) -> int:
    """Note whether the filters are other ones than those of the last complete scan; return how many pairs rest."""
    run.scope_changed = state.last_scan_at_ms is not None and (state.scope or "") != run.binding.mapping.scope
    return run.read(lambda tx: tx.pairs.count_outside()) if run.scope_changed else 0


def tell_scope(run: Run, before: int) -> None:
    """Warn of the pairs that a change of the filters has put out of scope.

    :param before: how many rested before.
    """
    if not run.scope_changed:
        return
    more = run.read(lambda tx: tx.pairs.count_outside()) - before
    if more > 0:
        run.report.warnings.append(
            f"the mapping's filter has changed: {counted(more, 'pair')} no longer belong to it. Nothing was deleted; "
            "their rows and records are no longer synced"
        )
