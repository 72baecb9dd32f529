"""What became of records that were looked for by id: shown, hidden and gone are three things, and only gone deletes.

The one rule for deleting in Lark stands here too, for the sync and for the operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire import WireRecord
from airflow_provider_lark.core.errors import AccessDenied, RecordNotFound


@dataclass(frozen=True, slots=True)
class Fates:
    """Records by what Lark says of them.

    :param hidden: ids that exist, but that the app may not see; also those of which Lark says nothing.
    :param gone: ids that do not exist any more. Nothing else may count as deleted.
    """

    shown: list[WireRecord] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a delete came to. Ids that are neither gone nor hidden were deleted."""

    gone: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def look_up(
    client: LarkClient, app_token: str, table_id: str, record_ids: Sequence[str], *, automatic_fields: bool = False
) -> Fates:
    """Ask Lark for records by id, 100 a call.

    :param automatic_fields: also who changed them, and when.
    """
    answer = client.bitable.batch_get(
        app_token=app_token, table_id=table_id, record_ids=record_ids, automatic_fields=automatic_fields
    )
    gone = list(answer.absent_record_ids)
    told = {record["record_id"] for record in answer.records}.union(gone)
    return Fates(list(answer.records), [id_ for id_ in dict.fromkeys(record_ids) if id_ not in told], gone)


def remove(client: LarkClient, app_token: str, table_id: str, record_ids: Sequence[str]) -> Removal:
    """Delete records, all in one call; where Lark refuses because some are gone or hidden, the others.

    :raises RecordNotFound: Lark says so, and yet shows every one of them.
    """
    bitable = client.bitable
    try:
        bitable.batch_delete(app_token=app_token, table_id=table_id, record_ids=record_ids)
    except (RecordNotFound, AccessDenied):
        # one that is gone, or hidden, makes Lark refuse the whole call
        fates = look_up(client, app_token, table_id, record_ids)
        if not (fates.gone or fates.hidden):
            raise
        shown = [record["record_id"] for record in fates.shown]
        if shown:
            bitable.batch_delete(app_token=app_token, table_id=table_id, record_ids=shown)
        return Removal(tuple(fates.gone), tuple(fates.hidden))
    return Removal()


def hidden_error(table_id: str, hidden: Sequence[str], done: int) -> AccessDenied:
    """Return what a person reads when records could not be deleted because the app may not see them."""
    shown = ", ".join(hidden[:5]) + (" …" if len(hidden) > 5 else "")
    return AccessDenied(
        f"table {table_id}: {len(hidden)} records are hidden from the app and were not deleted ({done} others were): "
        f"{shown}; give the app a role that shows all rows (advanced permissions)"
    )
