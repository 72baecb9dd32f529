"""Rows of a query as a file of text: how its form writes a row, and the file that all of them go into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.api.wire.limits import MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.errors import TooLarge
from airflow_provider_lark.core.transfer.to_message.file_values import Rows, WrittenRows, too_large, whole_text
from airflow_provider_lark.core.transfer.to_message.packing import ZIP_UNPACKED_MAX, Packing, packed


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How rows become text.

    :param row: one row's text.
    """

    begin: str
    row: Callable[[Sequence[Any]], str]
    between: str = ""
    end: str = ""


def write_text_file(
    path: Path,
    form: TextFormat,
    parts: Iterable[Rows],
    *,
    packing: Packing | None = None,
    inner_name: str = "",
    max_bytes: int = MESSAGE_FILE_MAX_BYTES,
) -> WrittenRows:
    """Write all rows to *path*; of the rows no more than a part is in memory.

    :param inner_name: of the file within a zip.
    :raises TooLarge: the file grows beyond *max_bytes*; the rest of the rows was not read.
    """
    advice = "" if packing else ", or compress it (compression='gzip')"
    rows = 0
    with path.open("wb") as raw:
        with packed(raw, packing, inner_name) as file:
            plain = file.write(form.begin.encode())
            for part in parts:
                if part:
                    text = form.between.join(map(form.row, part))
                    plain += file.write(_encoded(form.between + text if rows else text))
                    rows += len(part)
                if raw.tell() > max_bytes:
                    raise too_large(raw.tell(), rows, max_bytes=max_bytes, advice=advice)
                if packing == "zip" and plain > ZIP_UNPACKED_MAX:
                    raise TooLarge(
                        f"the first {rows:,} rows of the query take {plain:,} bytes uncompressed, and not every "
                        f"program can open a zip file of more than {ZIP_UNPACKED_MAX:,}: return fewer rows, or use "
                        "gzip"
                    )
            file.write(form.end.encode())
        size = raw.tell()
    if size > max_bytes:
        raise too_large(size, rows, max_bytes=max_bytes, advice=advice)
    return WrittenRows(rows)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return whole_text(text).encode()
