"""What records contain just before they are written: the one thing that a run overwrites without having read it.

A plan records it, and the run of that plan leaves a record alone whose content has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_lark.core.lark_side.table import Fates
from airflow_provider_lark.core.lark_side.unwritten_table import NEW_RECORD
from airflow_provider_lark.core.side import Key, LarkRow, RecordId
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run


def sightings(run: Run, records: Mapping[RecordId, Key], fates: Fates) -> list[Grounds]:
    """Return what *fates* say of *records*: the values that flow to Lark, or that there is none to be seen.

    :param records: by id, with the keys of their rows; those that a plan has made up are left out.
    """
    rows: dict[str, LarkRow] = {record["record_id"]: run.lark.decode(record) for record in fates.shown}
    hidden = fates.hidden.keys()
    flows = run.binding.rules.to_lark
    found = []
    for id_, key in records.items():
        if id_.startswith(NEW_RECORD):
            continue
        row = rows.get(id_)
        values = None if row is None else {name: value for name, value in row.values.items() if name in flows}
        state = "shown" if row is not None else "hidden" if id_ in hidden else "gone"
        found.append(Grounds("seen", key, id_, (values,), (state,), {}))
    return found
