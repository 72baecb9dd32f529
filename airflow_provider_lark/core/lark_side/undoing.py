"""Taking back what was created of a batch of which Lark refused a record.

Lark carries a client_token out once, and the token holds the content: a batch that is corrected and sent again is a new
one, and would make its good records a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.limits import BATCH_DELETE_MAX
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.lark_side.fates import remove

_SHOWN = 10


def undo_creates(client: LarkClient, app_token: str, table_id: str, record_ids: Sequence[str]) -> str:
    """Delete records that were created a moment ago, and return what a person reads of it; empty for no records."""
    left = list(record_ids)
    try:
        for some in split(record_ids, BATCH_DELETE_MAX):
            hidden = remove(client, app_token, table_id, some).hidden
            left = [id_ for id_ in left if id_ in hidden or id_ not in some]
    except LarkError as error:
        reason = f" ({error})"
    else:
        reason = ""
    if left:
        told = ", ".join(left[:_SHOWN]) + (" …" if len(left) > _SHOWN else "")
        return f"{len(left)} records of its batch were created and not deleted again{reason}: {told}; delete them first"
    if not record_ids:
        return ""
    return f"the {len(record_ids)} others of its batch were taken back, so correct it and try again"
