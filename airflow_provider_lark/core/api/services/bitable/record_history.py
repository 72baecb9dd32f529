"""Who changed a record: the part of ``client.bitable`` that asks base/v3, which no public document describes.

What stands here is read from the source of Lark's command line client (lark-api §4.9), so a tenant may answer none of
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.services.bitable.schema import table_ids
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, pick_list
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import Quota
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.errors import BadRequest

PAGE_MAX: Final = 50

# no source names one; those of other calls of a base are 10 to 50
RECORD_HISTORY = Route("GET", "/open-apis/base/v3/bases/:app_token/record_history", "other", Quota(5))


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """What became of one field; values as Lark shows them."""

    field_id: str
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RecordEdit:
    """One change of a record.

    :param operator_id: who made it; empty where Lark does not say. *operator_name* alike.
    :param at_ms: when; None where Lark does not say.
    :param activity: ``create``, ``update`` or ``delete``.
    """

    operator_id: str
    operator_name: str
    at_ms: int | None
    activity: str
    fields: tuple[FieldEdit, ...]


class BitableRecordHistory(Namespace[D]):
    """The history of records."""

    @ApiCall
    def record_history(
        self, *, app_token: str, table_id: str, record_id: str, page_size: int = PAGE_MAX
    ) -> Flow[list[RecordEdit]]:
        """Return the newest changes of a record, the newest first; computed fields are not in them.

        :param page_size: 1 to 50.
        :raises UnexpectedAnswer: base/v3 is not answered here.
        """
        if not 1 <= page_size <= PAGE_MAX:
            raise BadRequest(f"page_size must be 1 to {PAGE_MAX}, got {page_size}")
        ids = table_ids(app_token, table_id)
        query: dict[str, str | int] = {"table_id": table_id, "record_id": record_id, "page_size": page_size}
        body = yield from self.session.call(RECORD_HISTORY, ids, query=query)
        data = data_of(body)
        # the source names no key of the list for certain
        name = next((each for each in ("items", "entries", "record_history") if each in data), "items")
        found = pick_list(data, name, endpoint=RECORD_HISTORY.endpoint)
        return [_read(each) for each in found if isinstance(each, dict)]


def _read(told: JsonObject) -> RecordEdit:
    operator_id, operator_name = _operator(told.get("operator"))
    seconds = told.get("create_time")
    is_time = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    fields = told.get("field_changes")
    return RecordEdit(
        operator_id=operator_id,
        operator_name=operator_name,
        at_ms=int(seconds * 1000) if is_time and seconds else None,
        activity=str(told.get("activity_type") or ""),
        fields=tuple(
            FieldEdit(
                str(each.get("field_id") or ""), str(each.get("name") or ""), each.get("before"), each.get("after")
            )
            for each in (fields if isinstance(fields, list) else ())
            if isinstance(each, dict)
        ),
    )


def _operator(told: object) -> tuple[str, str]:
    """Return id and name of who made a change, as far as they are told: the shape is not documented."""
    if isinstance(told, str):
        return told, ""
    if not isinstance(told, dict):
        return "", ""
    id_ = next((told[name] for name in ("id", "open_id", "user_id") if isinstance(told.get(name), str)), "")
    return id_, told["name"] if isinstance(told.get("name"), str) else ""
