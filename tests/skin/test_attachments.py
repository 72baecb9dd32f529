"""Files into attachment cells and back, against the emulator over HTTP and a local file system."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.bitable_attachments import (
    BitableDownloadAttachmentsOperator,
    BitableUploadAttachmentsOperator,
)

MEGABYTE = 1024 * 1024


class Letters:
    """A table of letters with a field for their files."""

    def __init__(self, shop):
        self.shop = shop
        fields = [{"field_name": "name", "type": 1}, {"field_name": "files", "type": 17}]
        self.table_id = shop.emulator.state.create_table(shop.app_token, "letters", fields).table_id

    def add(self, name):
        return self.shop.emulator.person.add_record(self.shop.app_token, self.table_id, {"name": name})

    def files(self, record_id):
        records = self.shop.emulator.person.records(self.shop.app_token, self.table_id)
        (record,) = [each for each in records if each["record_id"] == record_id]
        return [(file["name"], file["size"]) for file in record["fields"].get("files") or []]

    def calls(self, ending):
        return sum(count for name, count in self.shop.emulator.counters().items() if name.endswith(ending))


@pytest.fixture
def letters(shop):
    return Letters(shop)


def run(operator, **parameters):
    context = {"run_id": "r", "ti": SimpleNamespace(dag_id="d", task_id="t", map_index=-1), "outlet_events": {}}
    return operator(task_id="t", table="MyDB:letters", field="files", **parameters).execute(context)


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return f"file://{folder}"


def test_log_counts_the_files(letters, tmp_path, capsys):
    source = write(tmp_path / "in", a_txt=b"hello", b_bin=b"1")
    run(BitableUploadAttachmentsOperator, files={letters.add("one"): source})
    assert f"/{letters.table_id}: transferred 2, skipped 0" in capsys.readouterr().out


def test_files_go_into_cells_and_come_back_unchanged(letters, tmp_path):
    one, two = letters.add("one"), letters.add("two")
    large = bytes(range(256)) * (9 * 4096)  # 9 MB come back in three blocks
    source = write(tmp_path / "in", a_txt=b"hello", b_bin=large)
    report = run(BitableUploadAttachmentsOperator, files={one: source, two: [f"{source}/a.txt"]})
    assert (report["cells"], report["transferred"], report["bytes"]) == (2, 3, 10 + len(large))
    assert letters.files(one) == [("a.txt", 5), ("b.bin", len(large))]
    assert json.loads(json.dumps(report)) == report
    back = run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")
    assert (back["cells"], back["transferred"], back["skipped"]) == (2, 3, 0)
    assert letters.calls("/download") == 2 + 3
    assert (tmp_path / "out" / one / "b.bin").read_bytes() == large
    assert (tmp_path / "out" / two / "a.txt").read_bytes() == b"hello"
    again = run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out", record_ids=[one])
    assert (again["transferred"], again["skipped"]) == (0, 2)


def test_append_keeps_what_the_cell_holds_and_replace_does_not(letters, tmp_path):
    record = letters.add("one")
    run(BitableUploadAttachmentsOperator, files={record: write(tmp_path / "1", a_txt=b"1")})
    run(BitableUploadAttachmentsOperator, files={record: write(tmp_path / "2", b_txt=b"22")})
    assert letters.files(record) == [("a.txt", 1), ("b.txt", 2)]
    files = json.dumps({record: write(tmp_path / "3", c_txt=b"333")})
    run(BitableUploadAttachmentsOperator, files=files, mode="replace")
    assert letters.files(record) == [("c.txt", 3)]
    (tmp_path / "empty").mkdir()
    run(BitableUploadAttachmentsOperator, files={record: f"file://{tmp_path}/empty"}, mode="replace")
    assert letters.files(record) == []


def test_upload_that_breaks_goes_on_where_it_stopped(letters, tmp_path):
    first, second = letters.add("one"), letters.add("two")
    source = write(tmp_path / "in", a_txt=b"1", b_txt=b"22")
    letters.shop.emulator.faults.add("medias/upload_all", code=1061002, status=400, skip=3)
    with pytest.raises(AirflowException):
        run(BitableUploadAttachmentsOperator, files={first: source, second: source})
    # what was uploaded until then is in its cell, also where the cell is not complete
    assert (letters.files(first), letters.files(second)) == ([("a.txt", 1), ("b.txt", 2)], [("a.txt", 1)])
    report = run(BitableUploadAttachmentsOperator, files={first: source, second: source})
    assert (report["transferred"], report["skipped"]) == (1, 3)
    assert letters.files(first) == letters.files(second) == [("a.txt", 1), ("b.txt", 2)]


def test_nothing_is_uploaded_when_a_file_or_a_record_is_missing(letters, tmp_path):
    record = letters.add("one")
    good = write(tmp_path / "in", a_txt=b"1") + "/a.txt"
    for files, words in (
        ({record: [good, f"file://{tmp_path}/none.txt"]}, "none.txt does not exist"),
        ({record: good, "recMissing00000": good}, "records do not exist"),
        ({"no id": good}, "rec"),
        ("nonsense", "not valid JSON"),
    ):
        with pytest.raises(AirflowFailException, match=words):
            run(BitableUploadAttachmentsOperator, files=files)
    assert letters.calls("upload_all") == 0


def test_path_with_a_password_is_refused_and_not_quoted(letters):
    with pytest.raises(AirflowFailException, match=r"contains a password; .* storage_conn_id") as caught:
        run(BitableUploadAttachmentsOperator, files={letters.add("one"): "ftp://user:canary@files.example/a.txt"})
    assert "canary" not in str(caught.value)
    with pytest.raises(AirflowFailException, match="path: contains a password"):
        run(BitableDownloadAttachmentsOperator, path="ftp://user:canary@files.example/")


def test_field_of_another_type_is_refused(letters):
    context = {"run_id": "r", "ti": SimpleNamespace(dag_id="d", task_id="t", map_index=-1), "outlet_events": {}}
    operator = BitableDownloadAttachmentsOperator(task_id="t", table="MyDB:letters", field="name", path="file:///x")
    with pytest.raises(AirflowFailException, match=r"name .* is not an Attachment field"):
        operator.execute(context)


def test_names_lead_nowhere_and_do_not_collide(letters, tmp_path):
    from airflow_provider_lark.core import LarkClient

    record, emulator = letters.add("one"), letters.shop.emulator
    base = letters.shop.app_token
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        names = ("../../evil.txt", "a.txt", "A.txt", "报告.pdf")
        tokens = [client.drive.upload_media(app_token=base, name=name, content=name.encode()) for name in names]
        cell = {"files": [{"file_token": token} for token in tokens]}
        client.bitable.update_record(app_token=base, table_id=letters.table_id, record_id=record, fields=cell)
    run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")
    found = {path.name for path in (tmp_path / "out" / record).iterdir()}
    assert found == {"_.._evil.txt", "a.txt", "A (2).txt", "报告.pdf"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == [record]


def test_download_that_breaks_leaves_no_half_file(letters, tmp_path):
    record = letters.add("one")
    source = write(tmp_path / "in", a_bin=b"x" * (5 * MEGABYTE))
    run(BitableUploadAttachmentsOperator, files={record: source})
    letters.shop.emulator.faults.add("medias/:file_token/download", code=1061004, status=403, skip=1, times=None)
    with pytest.raises(AirflowException):
        run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")
    assert list((tmp_path / "out" / record).iterdir()) == []


def test_download_that_is_not_shown_every_record_fails(letters, tmp_path):
    source = write(tmp_path / "in", a_txt=b"1")
    records = [letters.add("one"), letters.add("two")]
    run(BitableUploadAttachmentsOperator, files=dict.fromkeys(records, source))
    letters.shop.emulator.faults.add("records/search", action="short")
    with pytest.raises(AirflowException, match="Lark reports 2 records but returned 1"):
        run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")
    assert run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")["cells"] == 2


def test_download_filter_takes_days_and_e_mail_addresses(letters, tmp_path):
    place, person = (letters.shop.app_token, letters.table_id), letters.shop.emulator.person
    ann = letters.shop.emulator.state.directory.add_user("Ann", email="ann@example.com")
    person.add_field(*place, {"field_name": "due", "type": 5})
    person.add_field(*place, {"field_name": "owner", "type": 11})
    due, other = letters.add("due"), letters.add("other")
    run(BitableUploadAttachmentsOperator, files=dict.fromkeys((due, other), write(tmp_path / "in", a_txt=b"1")))
    person.edit_record(*place, due, {"due": 1795305600000, "owner": [{"id": ann.open_id}]})
    only = {"due": "2026-11-22 08:00", "owner": "ann@example.com"}
    folder = tmp_path / "out"
    run(BitableDownloadAttachmentsOperator, path=f"file://{folder}", filter=only, time_zone="Asia/Shanghai")
    assert [path.name for path in folder.iterdir()] == [due]


def test_download_of_a_record_that_is_gone_names_it(letters, tmp_path):
    ids = [letters.add("one"), "recGone"]
    with pytest.raises(AirflowFailException, match=r"RecordNotFound: .* recGone"):
        run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out", record_ids=ids)
    assert not (tmp_path / "out").exists()


def test_symbolic_links_in_a_folder_are_left_out(letters, tmp_path):
    (tmp_path / "secret.txt").write_bytes(b"not for you")
    source = write(tmp_path / "in", a_txt=b"hello")
    (tmp_path / "in" / "b.txt").symlink_to(tmp_path / "secret.txt")
    record = letters.add("one")
    run(BitableUploadAttachmentsOperator, files={record: source})
    assert letters.files(record) == [("a.txt", 5)]


@pytest.mark.parametrize("form", ["{}", "file://{}"])
@pytest.mark.parametrize("target", ["a.txt", "."])
def test_symbolic_link_that_is_named_is_refused(letters, tmp_path, form, target):
    write(tmp_path / "in", a_txt=b"hello")
    (tmp_path / "latest").symlink_to(tmp_path / "in" / target)
    record = letters.add("one")
    with pytest.raises(AirflowFailException, match="latest is a symbolic link, which is not followed"):
        run(BitableUploadAttachmentsOperator, files={record: form.format(tmp_path / "latest")})
    assert letters.files(record) == []


@pytest.mark.parametrize("place", ["file", "folder"])
def test_download_writes_through_no_symbolic_link(letters, tmp_path, place):
    record = letters.add("one")
    run(BitableUploadAttachmentsOperator, files={record: write(tmp_path / "in", a_txt=b"hello")})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    if place == "folder":
        (tmp_path / "out" / record).symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "out" / record).mkdir()
        (tmp_path / "out" / record / "a.txt").symlink_to(tmp_path / "elsewhere" / "a.txt")
    with pytest.raises(AirflowFailException, match="is a symbolic link, which is not followed"):
        run(BitableDownloadAttachmentsOperator, path=f"file://{tmp_path}/out")
    assert (tmp_path / "elsewhere" / "a.txt").read_bytes() == b"mine"


def test_file_names_beyond_ascii_come_back_as_they_were(letters, tmp_path):
    name = "销售报表—11月 (终版)😀.csv"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes("地区,销售额".encode())
    record = letters.add("一")
    run(BitableUploadAttachmentsOperator, files={record: str(tmp_path / "in")})
    run(BitableDownloadAttachmentsOperator, path=str(tmp_path / "出"))
    assert (tmp_path / "出" / record / name).read_text(encoding="utf-8") == "地区,销售额"
