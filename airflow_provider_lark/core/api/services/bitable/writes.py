"""Writing records: the part of ``client.bitable`` that creates, updates and deletes.

Two options are those of all writes. *user_id_type* says of which kind the ids of people are: open_id (Lark's default),
union_id or user_id. *ignore_consistency_check* lets Lark answer sooner, and reads lag behind a little longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.calls.session import describe
from airflow_provider_lark.core.api.services.bitable.schema import table_ids
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, demand, pick, pick_list, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import BATCH_DELETE_MAX, BATCH_WRITE_MAX
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import UserIdType, WireRecord
from airflow_provider_lark.core.errors import TooLarge, UnexpectedAnswer
from airflow_provider_lark.core.hints import counted


class BitableWrites(Namespace[D]):
    """Writing records."""

    @ApiCall
    def batch_create(
        self,
        *,
        app_token: str,
        table_id: str,
        records: Sequence[Mapping[str, Any]],
        client_token: str,
        user_id_type: UserIdType | None = None,
        ignore_consistency_check: bool = False,
    ) -> Flow[list[WireRecord]]:
        """Create up to 1,000 records in one call, all or none; the answers stand in the order sent.

        :param records: the fields of each, by name.
        :param client_token: a UUID of version 4; the same one again repeats nothing.
        :raises ClientTokenConflict: the token was used for other records.
        """
        json = {"records": [{"fields": fields} for fields in records]}
        query = _options(user_id_type, ignore_consistency_check)
        ids = table_ids(app_token, table_id)
        return (yield from self._write_batch(routes.BATCH_CREATE, ids, json, query, client_token))

    @ApiCall
    def batch_update(
        self,
        *,
        app_token: str,
        table_id: str,
        records: Sequence[tuple[str, Mapping[str, Any]]],
        user_id_type: UserIdType | None = None,
        ignore_consistency_check: bool = False,
    ) -> Flow[list[WireRecord]]:
        """Set the given fields of up to 1,000 records in one call, all or none; None clears a cell.

        :param records: record_id and fields of each.
        """
        json = {"records": [{"record_id": record_id, "fields": fields} for record_id, fields in records]}
        query = _options(user_id_type, ignore_consistency_check)
        ids = table_ids(app_token, table_id)
        return (yield from self._write_batch(routes.BATCH_UPDATE, ids, json, query, None))

    @ApiCall
    def batch_delete(
        self, *, app_token: str, table_id: str, record_ids: Sequence[str], ignore_consistency_check: bool = False
    ) -> Flow[None]:
        """Delete up to 500 records in one call, all or none.

        :raises RecordNotFound: one of them does not exist.
        """
        if not record_ids:
            return
        _check_size(len(record_ids), BATCH_DELETE_MAX, routes.BATCH_DELETE)
        json = {"records": list(record_ids)}
        query = _options(None, ignore_consistency_check)
        ids = table_ids(app_token, table_id)
        body = yield from self.session.call(routes.BATCH_DELETE, ids, query=query, json=json)
        told = pick_list(data_of(body), "records", endpoint=routes.BATCH_DELETE.endpoint)
        kept = sum(each.get("deleted") is False for each in told if isinstance(each, dict))
        if kept:
            raise UnexpectedAnswer(
                f"{describe(ids)}: Lark did not delete {kept} of {counted(len(record_ids), 'record')}; read them again",
                endpoint=routes.BATCH_DELETE.endpoint,
            )

    @ApiCall
    def create_record(
        self,
        *,
        app_token: str,
        table_id: str,
        fields: Mapping[str, Any],
        client_token: str | None = None,
        user_id_type: UserIdType | None = None,
        ignore_consistency_check: bool = False,
    ) -> Flow[WireRecord]:
        """Create one record.

        :param client_token: a UUID of version 4; the same one again repeats nothing. Default: a new one.
        """
        body = yield from self.session.call(
            routes.CREATE_RECORD,
            table_ids(app_token, table_id),
            query=_options(user_id_type, ignore_consistency_check),
            json={"fields": fields},
            client_token=client_token or self.session.settings.new_token(),
        )
        return _read_record(body, routes.CREATE_RECORD)

    @ApiCall
    def update_record(
        self,
        *,
        app_token: str,
        table_id: str,
        record_id: str,
        fields: Mapping[str, Any],
        user_id_type: UserIdType | None = None,
        ignore_consistency_check: bool = False,
    ) -> Flow[WireRecord]:
        """Set the given fields of one record; None clears a cell."""
        ids = {**table_ids(app_token, table_id), "record_id": record_id}
        query = _options(user_id_type, ignore_consistency_check)
        body = yield from self.session.call(routes.UPDATE_RECORD, ids, query=query, json={"fields": fields})
        return _read_record(body, routes.UPDATE_RECORD)

    @ApiCall
    def delete_record(
        self, *, app_token: str, table_id: str, record_id: str, ignore_consistency_check: bool = False
    ) -> Flow[None]:
        """Delete one record.

        :raises RecordNotFound: it does not exist.
        """
        ids = {**table_ids(app_token, table_id), "record_id": record_id}
        yield from self.session.call(routes.DELETE_RECORD, ids, query=_options(None, ignore_consistency_check))

    def _write_batch(
        self,
        route: routes.Route,
        ids: Mapping[str, str],
        json: JsonObject,
        query: Mapping[str, QueryValue],
        client_token: str | None,
    ) -> Flow[list[WireRecord]]:
        sent = len(json["records"])
        if sent == 0:
            return []
        _check_size(sent, BATCH_WRITE_MAX, route)
        body = yield from self.session.call(route, ids, query=query, json=json, client_token=client_token)
        records = pick_objects(data_of(body), "records", {"record_id": str}, endpoint=route.endpoint)
        # an update may name a record twice; two creates make two records
        ids_told = {record["record_id"] for record in records} if route is routes.BATCH_CREATE else records
        told = min(len(records), len(ids_told))
        if len(records) != sent or told != sent:
            raise UnexpectedAnswer(
                f"{describe(ids)}: {counted(sent, 'record')} sent but {told} returned, so the results cannot be "
                "matched; read the records before sending them again",
                endpoint=route.endpoint,
            )
        return records


def _options(user_id_type: UserIdType | None, ignore_consistency_check: bool) -> dict[str, QueryValue]:
    return {"user_id_type": user_id_type, "ignore_consistency_check": ignore_consistency_check or None}


def _check_size(size: int, largest: int, route: routes.Route) -> None:
    if size > largest:
        raise TooLarge(f"got {size} records; one request may contain at most {largest}", endpoint=route.endpoint)


def _read_record(body: JsonObject, route: routes.Route) -> WireRecord:
    record: WireRecord = pick(data_of(body), "record", dict, endpoint=route.endpoint)  # type: ignore[assignment]  # wire data
    demand(record, {"record_id": str}, subject="a record", endpoint=route.endpoint)
    return record
