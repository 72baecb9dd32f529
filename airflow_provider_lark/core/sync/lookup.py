"""Finding records by their key field, when nobody knows whether they exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_lark.core.api.limits import FILTER_CONDITIONS_MAX, FILTER_LENGTH_MAX, SEARCH_PAGE_MAX
from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.fields.schema import FieldType
from airflow_provider_lark.core.stores.base import Key, RecordId, Row
from airflow_provider_lark.core.sync.run import Run
from airflow_provider_lark.core.sync.subjects import key_of

#: from so many keys on, reading the key field of every record is cheaper than asking for them
FILTERED_KEYS_MAX = 500


def find_by_keys(run: Run, keys: Sequence[Key]) -> dict[Key, RecordId]:
    """Return the records that carry *keys*; of two with one key, the first that Lark lists."""
    wanted = set(keys)
    found: dict[Key, RecordId] = {}
    for row in _candidates(run, keys):
        try:
            key = key_of(run, row.values)
        except RowError:
            continue
        if key in wanted:
            found.setdefault(key, RecordId(row.id))
    return found


def _candidates(run: Run, keys: Sequence[Key]) -> Iterator[Row]:
    columns = run.binding.rules.key_columns
    field = run.binding.fields[columns[0]]
    # other types are filtered by other words than their keys
    is_filtered = len(columns) == 1 and field.type in (FieldType.TEXT, FieldType.NUMBER)
    if not is_filtered or len(keys) > FILTERED_KEYS_MAX or not all(map(_is_plain, keys)):
        for page in run.lark.scan(columns):
            yield from page.rows
        return
    name = field.name
    for conditions in _chunks([{"field_name": name, "operator": "is", "value": [key]} for key in keys]):
        for answer in run.client.bitable.search_pages(
            app_token=run.binding.app_token,
            table_id=run.binding.table_id,
            filter={"conjunction": "or", "conditions": conditions},
            field_names=[name],
            page_size=SEARCH_PAGE_MAX,
        ):
            yield from map(run.lark.decode, answer.items)


def _is_plain(key: Key) -> bool:
    # how Lark compares outer blanks and line ends is not documented, and a record that is not found is made twice
    return key.isprintable() and key == key.strip() and len(key) < FILTER_LENGTH_MAX // 2


def _chunks(conditions: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Cut *conditions* so that each part keeps to Lark's limits on their number and on the filter's length."""
    part: list[dict[str, Any]] = []
    length = 0
    for condition in conditions:
        size = len(str(condition)) + 4
        if part and (len(part) == FILTER_CONDITIONS_MAX or length + size > FILTER_LENGTH_MAX - 100):
            yield part
            part, length = [], 0
        part.append(condition)
        length += size
    if part:
        yield part
