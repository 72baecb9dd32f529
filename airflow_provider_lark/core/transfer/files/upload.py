"""Files into attachment cells: uploaded one after the other, then written to their records."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.core.fields.canonical.multi import ATTACHMENT_MAX
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.files.attachments import (
    Attachment,
    FilePath,
    FilesReport,
    attachment_field,
    is_link,
    read_cell,
    read_records,
)
from airflow_provider_lark.core.transfer.report import check_choice

log = logging.getLogger(__name__)

CellMode = Literal["append", "replace"]

_WRITE_RECORDS = 100
"""Records whose cells are written at once: what a crash leaves uploaded and unseen at most, and one read takes."""


def upload_attachments(
    table: LarkTable,
    field_name: str,
    files: Mapping[str, Sequence[FilePath]],
    *,
    mode: CellMode = "append",
    dry_run: bool = False,
) -> FilesReport:
    """Upload the *files* of each record and put them into its cell.

    With ``append``, a file that the cell already has by name and size is not uploaded again, so a repetition after a
    failure goes on where it stopped. With ``replace``, the cell then holds these files and no others.

    :param dry_run: look at files and cells, and only count what would be uploaded.
    :param files: paths by record id; of a folder, all files that lie in it. Symbolic links are not followed.
    :raises RecordNotFound: a record does not exist; nothing was uploaded.
    :raises TooLarge: a cell would hold too many files; nothing was uploaded.
    :raises ConfigError: a path leads to no file, or is a symbolic link; nothing was uploaded.
    """
    check_choice("mode", mode, ("append", "replace"))
    name = attachment_field(table.read_fields(), table, field_name).name
    expanded = {record_id: _files_of(paths) for record_id, paths in files.items()}
    held = _cells(table, name, list(expanded), keep=mode == "append")
    plans = {record_id: _plan(paths, held[record_id]) for record_id, paths in expanded.items()}
    for record_id, steps in plans.items():
        if len(held[record_id]) + sum(step.present is None for step in steps) > ATTACHMENT_MAX:
            raise TooLarge(f"record {record_id}: its cell would have more than the {ATTACHMENT_MAX} files Lark allows")
    if dry_run:
        return _foresee(plans, mode)
    report, waiting = FilesReport(), _Waiting(table, name, mode)
    try:
        for record_id, steps in plans.items():
            tokens: list[str] = []
            try:
                for step in steps:
                    token = _transfer(table, record_id, step, report)
                    tokens.append(token)
            finally:
                # some of the files may be added to a cell, but must not take the place of all that it held
                if _is_to_write(mode, steps, len(tokens)):
                    waiting.add(record_id, tokens)
            report.cells += bool(steps)
    finally:
        # also after a failure, or the word to stop: what was uploaded until then must not be lost
        with table.client.finishing():
            waiting.send()
    return report


def _foresee(plans: Mapping[str, Sequence[_Step]], mode: CellMode) -> FilesReport:
    report = FilesReport(would=Foreseen())
    for record_id, steps in plans.items():
        report.cells += bool(steps)
        for step in steps:
            report.note(record_id, step.path.name, step.path, step.size, skipped=step.present is not None)
        if report.would is not None and _is_to_write(mode, steps, len(steps)):
            report.would.add("lark.update", [record_id])
    return report


def _is_to_write(mode: CellMode, steps: Sequence[_Step], done: int) -> bool:
    return done == len(steps) if mode == "replace" else any(step.present is None for step in steps[:done])


@dataclass(frozen=True, slots=True)
class _Step:
    """A file on its way into a cell.

    :param present: the same file, where the cell has it already.
    """

    path: FilePath
    size: int
    present: Attachment | None


def _plan(paths: Sequence[FilePath], cell: Sequence[Attachment]) -> list[_Step]:
    left, steps = list(cell), []
    for path in paths:
        size = int(path.stat().st_size)
        same = next((file for file in left if file.name == path.name and file.size == size), None)
        if same is not None:
            # one file of the cell stands for one path: two reports of one name and size are two
            left.remove(same)
        steps.append(_Step(path, size, same))
    return steps


def _files_of(paths: Sequence[FilePath]) -> list[FilePath]:
    found: list[FilePath] = []
    for path in paths:
        if is_link(path):
            raise ConfigError(f"files: {path} is a symbolic link, which is not followed; give the path of its target")
        if path.is_dir():
            inside = sorted(path.iterdir(), key=lambda each: each.name)
            found += [each for each in inside if not is_link(each) and not each.is_dir()]
        elif path.exists():
            found.append(path)
        else:
            raise ConfigError(f"files: file {path} does not exist")
    return found


def _cells(table: LarkTable, name: str, record_ids: Sequence[str], *, keep: bool) -> dict[str, list[Attachment]]:
    """Return the files that each record has and keeps."""
    found = read_records(table, record_ids)
    return {id_: read_cell(record["fields"].get(name)) if keep else [] for id_, record in found.items()}


def _transfer(table: LarkTable, record_id: str, step: _Step, report: FilesReport) -> str:
    path, size = step.path, step.size
    if step.present is not None:
        report.note(record_id, path.name, path, size, skipped=True)
        return step.present.file_token
    with path.open("rb") as content:
        token = table.client.drive.upload_media(app_token=table.app_token, name=path.name, content=content, size=size)
    log.debug("uploaded a file of %s bytes for record %s", size, record_id)
    report.note(record_id, path.name, path, size, skipped=False)
    return token


class _Waiting:
    """Files that are uploaded, and not yet in their cells."""

    def __init__(self, table: LarkTable, name: str, mode: CellMode) -> None:
        self._table = table
        self._name = name
        self._mode = mode
        self._tokens: dict[str, list[str]] = {}

    def add(self, record_id: str, tokens: list[str]) -> None:
        self._tokens[record_id] = tokens
        if len(self._tokens) >= _WRITE_RECORDS:
            self.send()

    def send(self) -> None:
        waiting, self._tokens = self._tokens, {}
        if waiting and self._mode == "append":
            # uploading takes its time, in which a person may have put files there or taken some away
            held = _cells(self._table, self._name, list(waiting), keep=True)
            waiting = {id_: [*(file.file_token for file in held[id_]), *tokens] for id_, tokens in waiting.items()}
        records = [
            (record_id, {self._name: [{"file_token": token} for token in dict.fromkeys(tokens)] or None})
            for record_id, tokens in waiting.items()
        ]
        self._table.update(records)
