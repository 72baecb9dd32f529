"""Files into attachment cells that hold some already, or that others write to meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core.errors import TooLarge
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.transfer.files import upload as upload_files
from airflow_provider_lark.core.transfer.files.upload import upload_attachments


@pytest.fixture
def reports(lark):
    """A table with one record, which has no file."""
    where = lark.table("reports", name=1, files=17)
    (record,) = lark.add(where, {"name": "one"})
    return where, record


def upload(lark, reports, *paths: Path, mode: Any = "append"):
    where, record = reports
    return upload_attachments(LarkTable.locate(lark.client, where), "files", {record: paths}, mode=mode)


def names(lark, reports) -> list[str]:
    (record,) = lark.records(reports[0])
    return [file["name"] for file in record["fields"].get("files") or []]


def write(folder: Path, **files: bytes) -> list[Path]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def test_append_keeps_what_a_person_attaches_during_the_upload(lark, reports, tmp_path):
    where, record = reports
    theirs = lark.client.drive.upload_media(app_token=lark.app_token, name="theirs", content=b"theirs")

    class BusyPath(type(Path())):
        def open(self, *args, **options):
            lark.emulator.person.edit_record(
                lark.app_token, where.table_id, record, {"files": [{"file_token": theirs}]}
            )
            return super().open(*args, **options)

    (mine,) = write(tmp_path / "in", mine=b"1")
    upload(lark, reports, BusyPath(mine))
    assert names(lark, reports) == ["theirs", "mine"]


def test_full_cell_takes_its_own_files_again_and_no_others(lark, reports, tmp_path, monkeypatch):
    monkeypatch.setattr(upload_files, "ATTACHMENT_MAX", 2)
    paths = write(tmp_path / "in", a=b"1", b=b"22")
    for transferred in (2, 0):
        assert upload(lark, reports, *paths).transferred == transferred
    with pytest.raises(TooLarge, match="more than the 2 files"):
        upload(lark, reports, *write(tmp_path / "more", c=b"333"))
    assert names(lark, reports) == ["a", "b"]


def test_files_of_one_name_and_size_are_two(lark, reports, tmp_path):
    monday, tuesday = write(tmp_path / "mon", report=b"mon"), write(tmp_path / "tue", report=b"tue")
    upload(lark, reports, *monday)
    for transferred in (1, 0):
        assert upload(lark, reports, *monday, *tuesday).transferred == transferred
        assert names(lark, reports) == ["report", "report"]
