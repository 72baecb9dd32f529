"""What became of records that were looked for by id: shown, hidden and gone are three things, and only gone deletes.

The one rule for deleting in Lark stands here too, for the sync and for the operators.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.limits import BATCH_GET_MAX
from airflow_provider_lark.core.api.wire import WireRecord
from airflow_provider_lark.core.bisect import Left, Luck, halve
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.errors import AccessDenied, LarkError, RecordNotFound

log = logging.getLogger(__name__)

HIDDEN = "Lark hides its record from the app; give the app a role that shows all rows (advanced permissions)"


@dataclass(frozen=True, slots=True)
class Fates:
    """Records by what Lark says of them.

    :param hidden: ids that exist, but that the app may not see, and why; also those of which Lark says nothing, and
        those over which it breaks down.
    :param gone: ids that do not exist any more. Nothing else may count as deleted.
    """

    shown: list[WireRecord] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a delete came to. Ids that are neither gone nor hidden were deleted."""

    gone: tuple[str, ...] = ()
    hidden: dict[str, str] = field(default_factory=dict)


def look_up(
    client: LarkClient, app_token: str, table_id: str, record_ids: Sequence[str], *, automatic_fields: bool = False
) -> Fates:
    """Ask Lark for records by id, 100 a call, and return them in that order.

    Where a call fails because of certain records, the others are told all the same.

    :param automatic_fields: also who changed them, and when.
    :raises LarkError: Lark shows none of them, and it may be the table, the rights or the moment.
    """
    ids = list(dict.fromkeys(record_ids))
    found, absent, unread, luck = dict[str, WireRecord](), set[str](), dict[str, str](), Luck()

    def ask(part: Sequence[str]) -> None:
        answer = client.bitable.batch_get(
            app_token=app_token, table_id=table_id, record_ids=part, automatic_fields=automatic_fields
        )
        found.update((record["record_id"], record) for record in answer.records)
        absent.update(answer.absent_record_ids)

    def give_up(id_: str, error: LarkError) -> None:
        unread[id_] = f"Lark does not show record {id_} ({error}); open it there, and make it anew if it stays so"
        log.warning("table %s: %s", table_id, unread[id_])

    for some in split(ids, BATCH_GET_MAX):
        left = Left[str](list(some))
        while left.items:
            left = halve(left.items, ask, give_up, luck=luck)
            if left.is_outage and left.items and left.error is not None:
                raise left.error
    shown = [found[id_] for id_ in ids if id_ in found]
    gone = [id_ for id_ in ids if id_ in absent and id_ not in found]
    hidden = {id_: unread.get(id_, HIDDEN) for id_ in ids if id_ not in found and id_ not in absent}
    return Fates(shown, hidden, gone)


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
        return Removal(tuple(fates.gone), fates.hidden)
    return Removal()


def hidden_error(table_id: str, hidden: Sequence[str], done: int) -> AccessDenied:
    """Return what a person reads when records could not be deleted because the app may not see them."""
    shown = ", ".join(hidden[:5]) + (" …" if len(hidden) > 5 else "")
    return AccessDenied(
        f"table {table_id}: {len(hidden)} records are hidden from the app and were not deleted ({done} others were): "
        f"{shown}; give the app a role that shows all rows (advanced permissions)"
    )
