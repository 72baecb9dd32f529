"""What a task returns of records: not more than an XCom should hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_lark.core.errors import RecordNotFound, TooLarge
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX, json_size

if TYPE_CHECKING:
    from airflow_provider_lark.core.lark_side.record_table import Found

XCOM_IDS_MAX = 10_000
"""How many record ids an XCom may hold."""

_SHOWN = 10


def refuse_missing(ids: Sequence[str]) -> None:
    """Raise when records do not exist.

    :raises RecordNotFound: *ids* is not empty.
    """
    if ids:
        shown = ", ".join(ids[:_SHOWN]) + (" …" if len(ids) > _SHOWN else "")
        raise RecordNotFound(
            f"records that do not exist or are hidden from the app ({len(ids)}): {shown}; to ignore missing records, "
            "set if_missing='skip'"
        )


def check_ids(count: int, *, wanted: bool) -> None:
    """Refuse to return more ids than an XCom should hold, before anything is written.

    :raises TooLarge: there are too many.
    """
    if wanted and count > XCOM_IDS_MAX:
        raise TooLarge(
            f"nothing was written: {count:,} record ids are too many for an XCom (at most {XCOM_IDS_MAX:,}); set "
            "return_ids=False, or use SqlToBitableOperator"
        )


def gather(pages: Iterable[Found]) -> dict[str, Any]:
    """Return the records of all pages.

    :raises TooLarge: they are more than an XCom should hold.
    """
    records: list[dict[str, Any]] = []
    total, size = 0, 0
    for page in pages:
        records += page.records
        total = page.total
        size += sum(map(json_size, page.records))
        _check_bytes(size, total)
    return {"records": records, "total": total}


def write_lines(pages: Iterable[Found], lines: TextIO) -> dict[str, int]:
    """Write the records, one JSON object a line, and return how many."""
    total = written = 0
    for page in pages:
        written += len(page.records)
        total = page.total
        lines.writelines(f"{_dump(record)}\n" for record in page.records)
    return {"written": written, "total": total}


def check_size(records: Iterable[Mapping[str, Any]], total: int) -> None:
    """Refuse records that are more than an XCom should hold.

    :raises TooLarge: they are.
    """
    _check_bytes(sum(map(json_size, records)), total)


def _check_bytes(size: int, total: int) -> None:
    if size > XCOM_BYTES_MAX:
        raise TooLarge(
            f"the records ({total:,} in total) exceed the {XCOM_BYTES_MAX:,} bytes of JSON an XCom should hold; read "
            "fewer (limit, filter, field_names), set output_path, or use BitableToSqlOperator"
        )


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
