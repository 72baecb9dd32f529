"""Drive media: uploads whole and in blocks, downloads, links, and where a file may stand (lark-api §7.4)."""

from __future__ import annotations

import json
import zlib
from typing import Any

import httpx
import pytest

MEDIAS = "/open-apis/drive/v1/medias"
CONTENT = b"one\r\n--two\r\n\r\n\x00\xff" * 3
MIB = 1024 * 1024


def form(caller: Any, content: bytes = CONTENT, **members: Any) -> dict[str, str]:
    given = {
        "file_name": "图.png",
        "parent_type": "bitable_image",
        "parent_node": caller.app_token,
        "size": len(content),
        **members,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def upload(caller: Any, content: bytes = CONTENT, tail: str = "upload_all", **members: Any) -> httpx.Response:
    data = form(caller, content, **members) if tail == "upload_all" else {k: str(v) for k, v in members.items()}
    answer: httpx.Response = caller.http.post(
        f"{MEDIAS}/{tail}", data=data, files={"file": ("x", content)}, headers=caller.headers
    )
    return answer


def uploaded(caller: Any, content: bytes = CONTENT, **members: Any) -> str:
    answer = upload(caller, content, **members).json()
    assert answer["code"] == 0, answer
    token: str = answer["data"]["file_token"]
    return token


def attach(caller: Any, *tokens: str) -> dict[str, Any]:
    """A record that holds the files, as it is read."""
    caller.emu.person.add_field(caller.app_token, caller.table_id, {"field_name": "Files", "type": 17})
    caller.create({"Files": [{"file_token": each} for each in tokens]})
    item: dict[str, Any] = caller.search()["items"][0]
    return item


def test_upload_all_fills_a_cell_whose_url_gives_the_bytes_back(caller: Any) -> None:
    checksum = zlib.adler32(CONTENT)
    token = uploaded(caller, checksum=checksum, extra=json.dumps({"drive_route_token": caller.app_token}))

    (cell,) = attach(caller, token)["fields"]["Files"]

    assert (cell["file_token"], cell["name"], cell["type"]) == (token, "图.png", "image/png")
    assert cell["size"] == len(CONTENT)
    answer = caller.http.get(cell["url"], headers=caller.headers)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-disposition"].endswith("%E5%9B%BE.png")
    assert answer.headers["x-tt-logid"]
    assert caller.http.get(cell["url"]).json()["code"] == 99991661


@pytest.mark.parametrize(
    ("members", "code", "status"),
    [
        pytest.param({"file_name": None}, 1061002, 400, id="no name"),
        pytest.param({"file_name": "n" * 251}, 1061008, 400, id="long name"),
        pytest.param({"size": len(CONTENT) + 1}, 1062009, 400, id="size differs"),
        pytest.param({"size": "many"}, 1061002, 400, id="size no number"),
        pytest.param({"size": 20 * MIB + 1}, 1061043, 400, id="over 20 MB"),
        pytest.param({"checksum": 1}, 1062008, 400, id="checksum differs"),
        pytest.param({"checksum": "0xff"}, 1061002, 400, id="checksum no decimal"),
        pytest.param({"parent_node": "nobase"}, 1061044, 400, id="no such base"),
        pytest.param({"parent_node": None}, 1061002, 400, id="no parent"),
        pytest.param({"parent_type": "explorer"}, 1061002, 400, id="other parent type"),
        pytest.param({"extra": "{"}, 1061002, 400, id="extra no JSON"),
        pytest.param({"extra": '{"drive_route_token":"x"}'}, 1061002, 400, id="extra names no document"),
        pytest.param({"nonsense": 1}, 1061002, 400, id="unknown part"),
    ],
)
def test_upload_all_refuses_what_does_not_fit(caller: Any, members: dict[str, Any], code: int, status: int) -> None:
    answer = upload(caller, **members)

    assert (answer.json()["code"], answer.status_code) == (code, status)


def test_upload_without_a_form_or_a_file_is_a_parameter_error(caller: Any) -> None:
    assert caller.code("POST", f"{MEDIAS}/upload_all", form(caller)) == 1061002
    no_file = caller.http.post(f"{MEDIAS}/upload_all", data=form(caller), files={"other": b""}, headers=caller.headers)
    assert no_file.json()["code"] == 1061002


def test_upload_needs_the_document_and_a_scope(caller: Any) -> None:
    caller.emu.state.revoke(caller.app_token, caller.emu.app_id)
    assert upload(caller).json()["code"] == 1061004
    caller.emu.state.grant(caller.app_token, caller.emu.app_id)
    caller.emu.state.set_advanced(caller.app_token, without_rights=[caller.emu.app_id])
    assert upload(caller).status_code == 403
    caller.emu.state.set_advanced(caller.app_token, enabled=False)
    caller.emu.state.apps[caller.emu.app_id].scopes = frozenset({"docs:document.media:download"})
    assert upload(caller).json()["code"] == 99991672


def prepare(caller: Any, size: int) -> dict[str, Any]:
    body = {**form(caller), "size": size}
    answer = caller.call("POST", f"{MEDIAS}/upload_prepare", body)
    assert answer["code"] == 0, answer
    data: dict[str, Any] = answer["data"]
    return data


def test_upload_in_blocks_joins_them_in_order(caller: Any) -> None:
    content = bytes(range(256)) * (4 * 4096) + b"end"
    plan = prepare(caller, len(content))
    assert (plan["block_size"], plan["block_num"]) == (4 * MIB, 2)
    blocks = [content[: 4 * MIB], content[4 * MIB :]]

    for seq in (1, 0):
        answer = upload(caller, blocks[seq], "upload_part", upload_id=plan["upload_id"], seq=seq, size=len(blocks[seq]))
        assert answer.json()["code"] == 0, answer.text
    done = caller.call("POST", f"{MEDIAS}/upload_finish", {"upload_id": plan["upload_id"], "block_num": 2})

    token = done["data"]["file_token"]
    got = caller.http.get(f"{MEDIAS}/{token}/download", headers=caller.headers)
    assert got.content == content
    assert caller.code("POST", f"{MEDIAS}/upload_finish", {"upload_id": plan["upload_id"], "block_num": 2}) == 1061021


@pytest.mark.parametrize(
    ("seq", "content", "members", "code"),
    [
        pytest.param(2, b"abc", {}, 1062011, id="beyond the last block"),
        pytest.param(1, b"abcd", {}, 1062009, id="last block too long"),
        pytest.param(0, b"abc", {}, 1062009, id="first block too short"),
        pytest.param(1, b"abc", {"checksum": 7}, 1062008, id="checksum"),
        pytest.param("x", b"abc", {}, 1061002, id="seq no number"),
    ],
)
def test_upload_part_refuses_a_block_that_does_not_fit(
    caller: Any, seq: Any, content: bytes, members: dict[str, Any], code: int
) -> None:
    plan = prepare(caller, 4 * MIB + 3)
    given = {"upload_id": plan["upload_id"], "seq": seq, "size": len(content), **members}

    assert upload(caller, content, "upload_part", **given).json()["code"] == code


def test_upload_finish_counts_the_blocks(caller: Any) -> None:
    plan = prepare(caller, 3)
    finish = f"{MEDIAS}/upload_finish"
    upload_id = plan["upload_id"]

    assert caller.code("POST", finish, {"upload_id": upload_id, "block_num": 1}) == 1062010
    upload(caller, b"abc", "upload_part", upload_id=upload_id, seq=0, size=3)
    assert caller.code("POST", finish, {"upload_id": upload_id, "block_num": 2}) == 1062011
    assert caller.code("POST", finish, {"upload_id": upload_id, "block_num": 0}) == 1062010
    assert caller.code("POST", finish, {"upload_id": "x", "block_num": 1}) == 1061021


def test_upload_of_another_app_or_older_than_a_day_is_lost(caller: Any, clock: Any) -> None:
    plan = prepare(caller, 3)
    given = {"upload_id": plan["upload_id"], "seq": 0, "size": 3}
    caller.emu.state.uploads[plan["upload_id"]].app_id = "cli_other"
    assert upload(caller, b"abc", "upload_part", **given).json()["code"] == 1062007
    caller.emu.state.uploads[plan["upload_id"]].app_id = caller.emu.app_id
    clock.advance(24 * 3600)
    caller.login()
    assert upload(caller, b"abc", "upload_part", **given).json()["code"] == 1061021


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        pytest.param("bytes=0-3", 206, 0, 4, id="first four"),
        pytest.param("bytes=4-", 206, 4, None, id="from the fifth"),
        pytest.param("bytes=-2", 206, -2, None, id="last two"),
        pytest.param("bytes=5-9999", 206, 5, None, id="past the end"),
        pytest.param("bytes=9999-", 416, 0, 0, id="beyond"),
        pytest.param("lines=1-2", 200, 0, None, id="another unit is ignored"),
    ],
)
def test_download_gives_the_range_that_is_asked_for(
    caller: Any, asked: str, status: int, start: int, end: int | None
) -> None:
    token = uploaded(caller)

    answer = caller.http.get(f"{MEDIAS}/{token}/download", headers={**caller.headers, "Range": asked})

    assert (answer.status_code, answer.content) == (status, CONTENT[start:end])
    if status == 206:
        first = len(CONTENT) + start if start < 0 else start
        last = first + len(answer.content) - 1
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_download_may_ignore_the_range_or_end_early(caller: Any) -> None:
    token = uploaded(caller)
    path, part = f"{MEDIAS}/{token}/download", {**caller.headers, "Range": "bytes=0-3"}
    caller.emu.switches.serves_ranges = False
    whole = caller.http.get(path, headers=part)
    caller.emu.faults.add("GET .*/download", action="bad_json")
    half = caller.http.get(path, headers=part)

    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert (half.status_code, half.content) == (200, CONTENT[: len(CONTENT) // 2])


def test_download_may_leave_out_range_and_reason_by_switch(caller: Any) -> None:
    token = uploaded(caller)
    caller.emu.switches.update({"names_ranges": False, "bare_file_refusals": True})
    part = caller.http.get(f"{MEDIAS}/{token}/download", headers={**caller.headers, "Range": "bytes=0-3"})
    missing = caller.raw("GET", f"{MEDIAS}/boxnone/download")

    assert (part.status_code, part.content, "content-range" in part.headers) == (206, CONTENT[:4], False)
    assert (missing.status_code, missing.content) == (404, b"")


def test_download_of_no_file_or_no_rights_is_404_or_403(caller: Any) -> None:
    token = uploaded(caller)
    missing = caller.raw("GET", f"{MEDIAS}/boxnone/download")
    assert (missing.status_code, missing.json()["code"]) == (404, 1061003)
    caller.emu.state.revoke(caller.app_token, caller.emu.app_id)
    refused = caller.raw("GET", f"{MEDIAS}/{token}/download")
    assert (refused.status_code, refused.json()["code"]) == (403, 1061004)


def test_download_under_advanced_permissions_needs_extra(caller: Any) -> None:
    token = uploaded(caller)
    item = attach(caller, token)
    field_id = caller.emu.state.table(caller.app_token, caller.table_id).field_named("Files").field_id
    caller.emu.state.set_advanced(caller.app_token)

    def code(extra: Any) -> int:
        given = {} if extra is None else {"extra": extra if isinstance(extra, str) else json.dumps(extra)}
        answer = caller.raw("GET", f"{MEDIAS}/{token}/download", **given)
        return 0 if answer.content == CONTENT else int(answer.json()["code"])

    def cell(record_id: str, file_token: str = token) -> dict[str, Any]:
        places = {field_id: {record_id: [file_token]}}
        return {"bitablePerm": {"tableId": caller.table_id, "attachments": places}}

    assert code(None) == 1061004
    assert code("{") == code({"x": 1}) == 1061002
    assert code({"bitablePerm": {"tableId": "tblother"}}) == 1061004
    assert code(cell("recother")) == code(cell(item["record_id"], "boxother")) == 1061004
    assert code(cell(item["record_id"])) == 0
    # the record's own url carries one that is ready
    assert caller.http.get(item["fields"]["Files"][0]["url"], headers=caller.headers).content == CONTENT


def test_temporary_links_serve_without_a_token_for_a_day(caller: Any, clock: Any) -> None:
    tokens = [uploaded(caller), uploaded(caller, b"second")]

    data = caller.call("GET", f"{MEDIAS}/batch_get_tmp_download_url", file_tokens=tokens)["data"]

    links = data["tmp_download_urls"]
    assert [each["file_token"] for each in links] == tokens
    assert [httpx.get(each["tmp_download_url"]).content for each in links] == [CONTENT, b"second"]
    clock.advance(24 * 3600)
    assert httpx.get(links[0]["tmp_download_url"]).json()["code"] == 1061004


def test_temporary_link_of_a_record_leads_to_the_bytes(caller: Any) -> None:
    cell = attach(caller, uploaded(caller))["fields"]["Files"][0]

    links = caller.http.get(cell["tmp_url"], headers=caller.headers).json()["data"]["tmp_download_urls"]

    assert httpx.get(links[0]["tmp_download_url"]).content == CONTENT


def test_temporary_links_refuse_none_too_many_and_unknown_files(caller: Any) -> None:
    path = f"{MEDIAS}/batch_get_tmp_download_url"
    assert caller.code("GET", path) == 1061002
    assert caller.code("GET", path, file_tokens=["a"] * 6) == 1061002
    assert caller.code("GET", path, file_tokens=["boxnone"]) == 1061003


def test_file_serves_only_the_base_it_was_uploaded_to(caller: Any) -> None:
    other = caller.emu.state.create_base("Other")
    token = uploaded(caller, parent_node=other.app_token)
    caller.emu.person.add_field(caller.app_token, caller.table_id, {"field_name": "Files", "type": 17})

    body = {"fields": {"Files": [{"file_token": token}]}}

    assert caller.code("POST", caller.records, body) == 1254303
    caller.emu.switches.foreign_file_code = 1254027
    answer = caller.raw("POST", caller.records, body)
    assert (answer.status_code, answer.json()["code"]) == (403, 1254027)


def test_second_upload_of_an_app_while_one_runs_is_told_to_retry(caller: Any) -> None:
    with caller.emu.hold_uploads(caller.emu.app_id):
        answer = upload(caller)
        assert (answer.status_code, answer.json()["code"]) == (200, 1061045)
    uploaded(caller)


def test_seeded_file_has_its_content(caller: Any) -> None:
    token = caller.emu.state.add_file(caller.app_token, "a.txt", content="文")
    sized = caller.emu.state.add_file(caller.app_token, "b.bin", size=3)

    cells = attach(caller, token, sized)["fields"]["Files"]

    assert [(each["type"], each["size"]) for each in cells] == [("text/plain", 3), ("application/octet-stream", 3)]
    assert [caller.http.get(each["url"], headers=caller.headers).content for each in cells] == ["文".encode(), bytes(3)]
