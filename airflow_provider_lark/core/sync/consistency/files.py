"""Reports as files: JSON for programs, HTML for people."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from airflow_provider_lark.core.dry_run import tell
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.consistency.page import write_page
from airflow_provider_lark.core.sync.report import CheckReport

PLACE = "{mapping}"
"""Where in a path the name of a mapping goes."""


def require_paths(paths: Iterable[str]) -> None:
    """Refuse paths to which no report can be written, before anything is read.

    :raises ConfigError: the name ends neither in ``.html`` nor in ``.json``, or there is something else.
    """
    for path in paths:
        if Path(path).suffix.lower() not in (".html", ".json"):
            raise ConfigError(f"report {path!r}: the name must end in .html or .json")
        if PLACE not in path and Path(path).exists() and not Path(path).is_file():
            raise ConfigError(f"report {path!r}: is no regular file; give a new file, or an older report to replace")


def build_document(
    reports: Sequence[CheckReport], *, now: float, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what is told of checks, as plain data.

    :param now: seconds since the epoch.
    :param errors: why mappings could not be compared, by name.
    """
    told = [_tell(report) for report in reports]
    told += [{"mapping": name, "status": "failed", "error": text} for name, text in (errors or {}).items()]
    return {"made_at": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC", "mappings": told}


def write_reports(
    paths: Sequence[str], reports: Sequence[CheckReport], *, now: float, errors: Mapping[str, str] | None = None
) -> list[str]:
    """Write *reports* to *paths*, each file whole or not at all; return which files were written.

    A path with ``{mapping}`` makes a file for each mapping. Missing folders are made.

    :raises ConfigError: a file cannot be written.
    """
    written = []
    for path in paths:
        for place, some, failed in _divide(path, reports, errors or {}):
            document = build_document(some, now=now, errors=failed)
            _write(Path(place), document)
            written.append(place)
    return written


def _divide(
    path: str, reports: Sequence[CheckReport], errors: Mapping[str, str]
) -> Iterator[tuple[str, Sequence[CheckReport], Mapping[str, str]]]:
    if PLACE not in path:
        yield path, reports, errors
        return
    for report in reports:
        yield path.replace(PLACE, _file_name(report.mapping)), [report], {}
    for name, text in errors.items():
        yield path.replace(PLACE, _file_name(name)), [], {name: text}


def _file_name(name: str) -> str:
    """Return *name* as a part of a file's name: it leads to no other folder."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".")[:100] or "_"


def _tell(report: CheckReport) -> dict[str, Any]:
    told = tell(report.to_dict(), report.would) if report.would else report.to_dict()
    status = "drift" if not report.in_step else report.status
    listed = report.different + report.only_lark + report.only_sql + report.pending
    return {**told, "status": status, "rows": report.rows, "more_rows": max(0, listed - len(report.rows))}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    beside = path.with_name(f".{path.name[:100]}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("x", encoding="utf-8", errors="backslashreplace") as file:
                if path.suffix.lower() == ".json":
                    json.dump(document, file, ensure_ascii=False, indent=1)
                else:
                    file.writelines(write_page(document))
            os.replace(beside, path)  # noqa: PTH105 - as atomic as it gets
        finally:
            beside.unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"report {str(path)!r}: cannot be written ({exc.strerror}); give a file in a folder that you may write to"
        ) from exc
