"""Attachment cells into a folder: one subfolder for each record, each file streamed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, UnexpectedAnswer
from airflow_provider_lark.core.fields.users import FindUserIds
from airflow_provider_lark.core.lark_side.record_table import RecordTable, Search
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.file_names import distinct_names
from airflow_provider_lark.core.transfer.files.attachments import (
    Attachment,
    FilePath,
    FilesReport,
    attachment_field,
    is_link,
    read_cell,
    read_records,
)

log = logging.getLogger(__name__)

_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "cos"})
"""Protocols without folders: there, making one may try to create the bucket."""


def download_attachments(
    table: LarkTable,
    field_name: str,
    folder: FilePath,
    *,
    record_ids: Sequence[str] = (),
    search: Search | None = None,
    time_zone: tzinfo | None = None,
    find_user_ids: FindUserIds | None = None,
    dry_run: bool = False,
) -> FilesReport:
    """Download the files of a field to ``<folder>/<record_id>/<name>``.

    A file that is already there with the same size is not downloaded again; one of another size is overwritten.

    :param record_ids: these records only.
    :param search: the records that it finds only, with the view by id or name; default: every record with a file.
    :param time_zone: of dates in the filter of *search*; default: the base's own.
    :param find_user_ids: finds persons that this filter gives by e-mail.
    :param dry_run: only count the files that would be downloaded; those of which Lark tells no size count as new.
    :raises RecordNotFound: a record of *record_ids* does not exist.
    :raises UnexpectedAnswer: a file came incomplete; it was removed.
    :raises IncompleteRead: Lark may not have shown every record; the files that it showed are there.
    """
    records = RecordTable(table, time_zone=time_zone, find_user_ids=find_user_ids)
    name = attachment_field(records.fields, table, field_name).name
    report = FilesReport(would=Foreseen() if dry_run else None)
    for record in read_records(table, record_ids).values() if record_ids else _found(records, name, search):
        files = read_cell(record["fields"].get(name))
        if files:
            report.cells += 1
            _download_all(table.client, record["record_id"], files, folder, report)
    return report


def _found(records: RecordTable, name: str, search: Search | None) -> Iterator[WireRecord]:
    wanted = search or Search()
    view_id = records.table.find_view(wanted.view_id) if wanted.view_id else None
    only = Search(wanted.filter, None, view_id, [name])
    if not only.filter and not only.view_id:
        with_files = {"conjunction": "and", "conditions": [{"field_name": name, "operator": "isNotEmpty", "value": []}]}
        only = Search(with_files, None, None, [name])
    for page in records.all_pages(only, state="the files listed so far were downloaded"):
        yield from page.items


def _download_all(
    client: LarkClient, record_id: str, files: Sequence[Attachment], folder: FilePath, report: FilesReport
) -> None:
    place = folder / record_id
    refuse_link(place)
    if report.would is None and getattr(place, "protocol", "file") not in _BUCKETS:
        place.mkdir(parents=True, exist_ok=True)
    for file, name in zip(files, distinct_names(file.name for file in files), strict=True):
        path = place / name
        refuse_link(path)
        if file.size is not None and path.exists() and path.stat().st_size == file.size:
            report.note(record_id, name, path, file.size, skipped=True)
            continue
        if report.would is not None:
            report.would.add("file.create", [record_id])
            report.note(record_id, name, path, file.size or 0, skipped=False)
            continue
        size = _download(client, file, path)
        report.note(record_id, name, path, size, skipped=False)
        log.debug("downloaded a file of %s bytes of record %s", size, record_id)


def refuse_link(path: FilePath) -> None:
    """Refuse to write where a symbolic link leads.

    :raises ConfigError: there is one.
    """
    if is_link(path):
        raise ConfigError(
            f"path: {path} is a symbolic link, which is not followed; remove it, or choose another folder"
        )


def _download(client: LarkClient, file: Attachment, path: FilePath) -> int:
    size = 0
    try:
        with path.open("wb") as target:
            for chunk in client.drive.download_media_pages(file_token=file.file_token, extra=file.extra):
                target.write(chunk)
                size += len(chunk)
        if file.size is not None and size != file.size:
            raise UnexpectedAnswer(
                f"file {file.file_token}: expected {file.size:,} bytes but Lark sent {size:,}; run the task again"
            )
    except BaseException:
        # closing a file of a bucket has stored the part that came
        if path.exists():
            path.unlink()
        raise
    return size
