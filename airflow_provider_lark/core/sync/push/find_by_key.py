"""Finding records by their key field, when nobody knows whether they exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from airflow_provider_lark.core.api.wire.results import RecordPage
from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.lark_side.key_filters import build_key_filters
from airflow_provider_lark.core.lark_side.key_finder import find_candidates
from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.run.run import Run

Answered = TypeVar("Answered")


def find_by_keys(run: Run, keys: Sequence[Key]) -> dict[Key, RecordId]:
    """Return the records that carry *keys*; of two with one key, the first that Lark lists.

    :raises IncompleteRead: Lark may not have shown every record, and one that is not found would be made twice.
    """
    wanted = set(keys)
    found: dict[Key, RecordId] = {}
    columns = run.binding.rules.key_columns

    def read(filter_: Mapping[str, Any] | None) -> Iterator[RecordPage]:
        return run.lark.table.search_all(run.lark.names_of(columns), filter=filter_, state="nothing was created")

    for page in find_candidates(read, _filters(run, keys)):
        for record in page.items:
            try:
                key = key_of(run, run.lark.decode(record).values)
            except RowError:
                continue
            if key in wanted:
                found.setdefault(key, RecordId(record["record_id"]))
    return found


def in_order_of(keys: Sequence[Key], told: Sequence[Key | None], records: Sequence[Answered]) -> list[Answered]:
    """Return *records* in the order of *keys*.

    :param told: the key that each record shows. Unless these are the very *keys*, the order of *records* is trusted:
        Lark may have left a key out, or made another one of it.
    """
    by_key = dict(zip(told, records, strict=True))
    if tuple(told) == tuple(keys) or by_key.keys() != set(keys):
        return list(records)
    return [by_key[key] for key in keys]


def _filters(run: Run, keys: Sequence[Key]) -> list[dict[str, Any]] | None:
    binding = run.binding
    columns = binding.rules.key_columns
    try:
        bodies = [
            run.lark.encode_patch(
                {
                    name: binding.codecs[name].from_sql(value)
                    for name, value in zip(columns, binding.key_codec.to_values(key), strict=True)
                }
            )
            for key in keys
        ]
    except RowError:
        # a key that has no form in Lark is not to be found there, but others may be
        return None
    fields = [binding.fields[name] for name in columns]
    if any(field.name not in body for field in fields for body in bodies):
        return None
    return build_key_filters(fields, bodies)
