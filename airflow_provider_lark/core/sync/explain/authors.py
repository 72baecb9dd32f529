"""Who wrote the values that Lark holds, where Lark tells: its history of records, which not every tenant answers.

Nobody is named whom Lark does not name. An edit without an author is no edit of ours for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.bitable.record_history import RecordEdit
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.run.own_ids import own_ids

UNKNOWN = "Lark does not say who"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the record in Lark.

    :param by: who made it, or :data:`UNKNOWN`.
    :param columns: the mapped columns that it touched; *others*: fields that are not mapped.
    """

    at_ms: int | None
    activity: str
    by: str
    columns: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authors:
    """The newest changes of a record, the newest first.

    :param why_not: why Lark tells none; empty where it does.
    """

    why_not: str = ""
    edits: Sequence[Edit] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        edits = [
            {
                "at_ms": each.at_ms,
                "activity": each.activity,
                "by": each.by,
                "columns": list(each.columns),
                "other_fields": list(each.others),
            }
            for each in self.edits
        ]
        return {"why_not": self.why_not or None, "edits": edits}


def read_authors(client: LarkClient, binding: Binding, record_id: str) -> Authors:
    """Ask Lark for the newest changes of a record; where it does not answer, that is said and nothing else fails."""
    try:
        found = client.bitable.record_history(
            app_token=binding.app_token, table_id=binding.table_id, record_id=record_id
        )
    except LarkError as error:
        code = "" if error.code is None else f", code {error.code}"
        return Authors(f"{UNKNOWN}: it does not tell this app the record's history ({type(error).__name__}{code})")
    own = own_ids(client) if any(each.operator_id for each in found) else frozenset()
    return Authors(edits=[_edit(each, own, binding) for each in found])


def _edit(edit: RecordEdit, own: frozenset[str], binding: Binding) -> Edit:
    columns = {pair.field.field_id: pair.column.name for pair in binding.pairs}
    touched = [each for each in edit.fields if each.field_id in columns]
    return Edit(
        edit.at_ms,
        edit.activity,
        _author(edit, own),
        tuple(columns[each.field_id] for each in touched),
        tuple(each.name or each.field_id for each in edit.fields if each.field_id not in columns),
    )


def _author(edit: RecordEdit, own: frozenset[str]) -> str:
    if edit.operator_id and edit.operator_id in own:
        return f"this app ({edit.operator_id})"
    if edit.operator_name:
        return f"{edit.operator_name} ({edit.operator_id})" if edit.operator_id else edit.operator_name
    return edit.operator_id or UNKNOWN
