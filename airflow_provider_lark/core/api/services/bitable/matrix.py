"""Reading records by base/v3, which no public document describes: the part of ``client.bitable`` that returns matrices.

What stands here is read from the source of Lark's command line client (lark-api §4.10), so a tenant may answer none of
it, and whoever calls this has v1 to fall back to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.services.bitable.schema import table_ids
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import MATRIX_PAGE_MAX, Quota
from airflow_provider_lark.core.api.wire.results import MatrixPage
from airflow_provider_lark.core.api.wire.routes import Route
from airflow_provider_lark.core.errors import BadRequest, UnexpectedAnswer

SCOPE: Final = "base:record:read"

# no source names a quota; those of other calls of a base are 10 to 50
READ_MATRIX = Route(
    "GET",
    "/open-apis/base/v3/bases/:app_token/tables/:table_id/records",
    "search",
    Quota(5),
    gives={"record_id_list": list, "field_id_list": list, "field_type_list": list, "data": list, "has_more": bool},
)

_FIELDS_MAX = 100
"""Of more, all fields are asked for: the address would be too long."""


class BitableMatrix(Namespace[D]):
    """Pages of records as matrices."""

    @ApiCall
    def read_matrix(
        self,
        *,
        app_token: str,
        table_id: str,
        field_ids: Sequence[str] | None = None,
        offset: int = 0,
        limit: int = MATRIX_PAGE_MAX,
    ) -> Flow[MatrixPage]:
        """Return the records from place *offset* on, in the order that base/v3 has them in.

        Never two at once: the source of the command line client forbids it.

        :param field_ids: the only fields to read.
        :param limit: 1 to 2000; a tenant may allow less.
        :raises UnexpectedAnswer: base/v3 is not answered here, or in another form.
        """
        if not 1 <= limit <= MATRIX_PAGE_MAX:
            raise BadRequest(f"limit must be 1 to {MATRIX_PAGE_MAX}, got {limit}")
        few = list(field_ids) if field_ids and len(field_ids) <= _FIELDS_MAX else None
        query = {"offset": offset, "limit": limit, "field_id": few}
        body = yield from self.session.call(READ_MATRIX, table_ids(app_token, table_id), query=query)
        return _read(data_of(body))


def _read(told: JsonObject) -> MatrixPage:
    record_ids, rows = told["record_id_list"], told["data"]
    field_ids, field_types = told["field_id_list"], told["field_type_list"]
    rev, zone, width = told.get("rev"), told.get("timezone"), len(field_ids)
    _demand(all(map(_are_texts, (record_ids, field_ids, field_types))), "ids and types that are texts")
    _demand(len(set(record_ids)) == len(record_ids), "each record once")
    _demand(len(field_types) == width == len(set(field_ids)), "one type for each field")
    _demand(len(rows) == len(record_ids), "one row for each record")
    _demand(all(type(row) is list and len(row) == width for row in rows), "one cell for each field")
    return MatrixPage(
        record_ids=record_ids,
        field_ids=field_ids,
        field_types=field_types,
        rows=rows,
        has_more=told["has_more"],
        rev=rev if type(rev) is int else None,
        time_zone=zone if isinstance(zone, str) else None,
    )


def _are_texts(values: Sequence[Any]) -> bool:
    return all(type(each) is str and each for each in values)


def _demand(is_so: bool, what: str) -> None:
    if not is_so:
        raise UnexpectedAnswer(f"a page of base/v3 does not have {what}", endpoint=READ_MATRIX.endpoint)
