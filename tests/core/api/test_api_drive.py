"""Attachments up and down, and the subscription to a base, through both clients."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
from pathlib import Path
from typing import Any
from zlib import adler32

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotFound,
    OutcomeUnknown,
    ServerBusy,
    TooLarge,
    UnexpectedAnswer,
)
from airflow_provider_lark.emulator import Emulator

MB = 1024 * 1024
PATH = "/open-apis/drive/v1/medias"


@pytest.fixture
def base(emu: Emulator) -> str:
    return emu.state.create_base("Shop").app_token


class Pipe(io.RawIOBase):
    """A stream that cannot seek and gives little at once."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(min(size, 1000) if size >= 0 else 1000)


def _kept(emu: Emulator, base: str, token: str) -> tuple[str, bytes]:
    file = emu.state.bases[base].files[token]
    return file.name, file.content


# upload


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello", id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(b'\r\n--boundary\r\n"\0\xff', id="looks like a form"),
    ],
)
def test_upload_of_bytes_arrives_whole(emu: Emulator, lark: LarkClient, base: str, content: bytes) -> None:
    token = lark.drive.upload_media(app_token=base, name='报告 "1".txt', content=content)
    assert _kept(emu, base, token) == ('报告 "1".txt', content)
    assert lark.calls.by_kind == {"token": 1, "media": 1}


def test_upload_of_a_file_begins_where_it_stands(emu: Emulator, lark: LarkClient, base: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"headbody")
    with (tmp_path / "a.bin").open("rb") as file:
        file.seek(4)
        token = lark.drive.upload_media(app_token=base, name="a.bin", content=file)
    assert _kept(emu, base, token) == ("a.bin", b"body")


def test_upload_of_a_stream_reads_until_its_size(emu: Emulator, lark: LarkClient, base: str) -> None:
    content = bytes(range(256)) * 20
    token = lark.drive.upload_media(app_token=base, name="a", content=Pipe(content), size=len(content))
    assert _kept(emu, base, token)[1] == content


def test_upload_sends_the_form_that_lark_wants(client: LarkClient, server: Any) -> None:
    server.say({"file_token": "box1"})
    client.drive.upload_media(app_token="basA", name="a.png", content=b"abc", is_image=True, extra='{"x":1}')
    heard = server.calls[0]
    assert heard.path == f"{PATH}/upload_all"
    assert heard.headers["content-type"].startswith("multipart/form-data; boundary=")
    for name, value in {
        "file_name": "a.png",
        "parent_type": "bitable_image",
        "parent_node": "basA",
        "size": "3",
        "checksum": str(adler32(b"abc")),
        "extra": '{"x":1}',
    }.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in heard.body
    assert b'name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n' in heard.body


def test_upload_over_20_mb_goes_in_blocks(emu: Emulator, lark: LarkClient, base: str, tmp_path: Path) -> None:
    size = 20 * MB + 5
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(size)
        file.seek(17 * MB)
        file.write(b"mark")
    with (tmp_path / "big.bin").open("rb") as file:
        token = lark.drive.upload_media(app_token=base, name="big.bin", content=file)
    kept = _kept(emu, base, token)[1]
    assert len(kept) == size
    assert kept[17 * MB : 17 * MB + 4] == b"mark"
    # prepare, 6 blocks, finish
    assert lark.calls.by_kind == {"token": 1, "media": 8}


def test_upload_in_blocks_never_holds_the_file(client: LarkClient, server: Any, tmp_path: Path) -> None:
    # small blocks, so that the whole would show; the server forgets what it hears
    size, block = 21 * MB, 256 * 1024
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(size)
    server.say({"upload_id": "u1", "block_size": block, "block_num": 84})
    server.say(times=84)
    server.say({"file_token": "box1"})
    server.heard = _Forgetful()
    tracemalloc.start()
    try:
        with (tmp_path / "big.bin").open("rb") as file:
            assert client.drive.upload_media(app_token="basA", name="big.bin", content=file) == "box1"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * MB


class _Forgetful(list[Any]):
    def append(self, heard: Any) -> None:
        heard.body = b""
        super().append(heard)


def test_upload_of_a_block_is_repeated_where_the_answer_is_lost(client: LarkClient, server: Any) -> None:
    content = io.BytesIO(bytes(21 * MB))
    server.say({"upload_id": "u1", "block_size": 11 * MB, "block_num": 2})
    server.refuse(1061045)
    server.say()
    server.do("cut")
    server.say(times=1)
    server.say({"file_token": "box1"})
    assert client.drive.upload_media(app_token="basA", name="a", content=content) == "box1"
    tails = [heard.path.rpartition("_")[2] for heard in server.calls]
    assert tails == ["prepare", "part", "part", "part", "part", "finish"]
    first, again = server.calls[1].body, server.calls[2].body
    assert len(first) == len(again)
    assert server.calls[5].json == {"upload_id": "u1", "block_num": 2}


def test_upload_whose_end_is_answered_too_late_is_sent_once_more(emu: Emulator, lark: LarkClient, base: str) -> None:
    emu.faults.add(match="upload_finish", action="drop_after")
    content = io.BytesIO(b"head" + bytes(20 * MB + 1))
    content.seek(4)
    token = lark.drive.upload_media(app_token=base, name="a", content=content)
    assert b"".join(lark.drive.download_media_pages(file_token=token)) == bytes(20 * MB + 1)


def test_upload_whose_ends_are_always_answered_too_late_is_in_doubt(emu: Emulator, lark: LarkClient, base: str) -> None:
    emu.faults.add(match="upload_finish", action="drop_after", times=None)
    with pytest.raises(OutcomeUnknown):
        lark.drive.upload_media(app_token=base, name="a", content=bytes(20 * MB + 1))


def test_upload_of_a_stream_whose_end_is_answered_too_late_is_in_doubt(
    emu: Emulator, lark: LarkClient, base: str
) -> None:
    emu.faults.add(match="upload_finish", action="drop_after")
    content = io.BytesIO(bytes(20 * MB + 1))
    content.seekable = lambda: False  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown, match="already finished or older than 24 hours"):
        lark.drive.upload_media(app_token=base, name="a", content=content, size=20 * MB + 1)


def test_upload_that_meets_another_waits_and_tries_again(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(1061045, times=2)
    server.say({"file_token": "box1"})
    assert client.drive.upload_media(app_token="basA", name="a", content=b"x") == "box1"
    assert [wait for wait in clock.waits if wait >= 0.5] == [0.5, 1.0]


def test_upload_that_always_meets_another_gives_up(client: LarkClient, server: Any) -> None:
    server.refuse(1061045, times=10)
    with pytest.raises(ServerBusy, match="another upload"):
        client.drive.upload_media(app_token="basA", name="a", content=b"x")
    assert len(server.calls) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"name": "", "content": b""}, "1 to 250 characters", id="no name"),
        pytest.param({"name": "x" * 251, "content": b""}, "1 to 250 characters, got 251", id="long name"),
        pytest.param({"name": "a\ud800", "content": b""}, "the file name contains", id="name of half a pair"),
        pytest.param({"name": "a", "content": Pipe(b"ab")}, "give its size", id="stream without size"),
        pytest.param({"name": "a", "content": b"abc", "size": 4}, "1 byte shorter than", id="too short"),
        pytest.param({"name": "a", "content": b"abc", "size": 2}, "is longer than", id="too long"),
        pytest.param({"name": "a", "content": io.StringIO("abc"), "size": 3}, r"binary mode \('rb'\)", id="text"),
        pytest.param(
            {"name": "a", "content": b"", "size": -1},
            "size must be the number of bytes in the file, got -1",
            id="negative size",
        ),
    ],
)
def test_upload_of_what_cannot_be_uploaded_is_refused_before_sending(
    client: LarkClient, server: Any, arguments: Any, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        client.drive.upload_media(app_token="basA", **arguments)
    assert server.heard == []


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        pytest.param(1061044, NotFound, "a wiki node token is not an app_token", id="no base"),
        pytest.param(1061004, AccessDenied, "edit permission", id="no right"),
        pytest.param(1061043, TooLarge, "too large", id="too large"),
        pytest.param(1061101, BadRequest, "storage is full", id="tenant quota"),
    ],
)
def test_upload_refused_says_why_without_the_name(
    client: LarkClient, server: Any, code: int, error: type[LarkError], words: str
) -> None:
    server.refuse(code, status=400, msg="refused: canary name")
    with pytest.raises(error, match=words) as caught:
        client.drive.upload_media(app_token="basA", name="canary name", content=b"canary bytes")
    assert "canary" not in f"{caught.value!r} {caught.value}"
    assert len(server.calls) == 1


def test_upload_to_a_base_of_nobody_is_named(lark: LarkClient) -> None:
    with pytest.raises(NotFound, match="upload to base basNothing"):
        lark.drive.upload_media(app_token="basNothing", name="a", content=b"x")


def test_async_client_uploads_and_downloads_alike(emu: Emulator, base: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"0123456789")

    async def work() -> bytes:
        async with AsyncLarkClient(emu.app_id, emu.app_secret, emu.url, rate_share=None) as client:
            with (tmp_path / "a.bin").open("rb") as file:
                token = await client.drive.upload_media(app_token=base, name="a.bin", content=file)
            pages = client.drive.download_media_pages(file_token=token, chunk_bytes=4)
            return b"".join([chunk async for chunk in pages])

    assert asyncio.run(work()) == b"0123456789"


# download


@pytest.mark.parametrize(
    ("size", "chunks"),
    [
        pytest.param(10, [4, 4, 2], id="with a rest"),
        pytest.param(8, [4, 4], id="without"),
        pytest.param(3, [3], id="less than a chunk"),
        pytest.param(0, [0], id="empty"),
    ],
)
def test_download_comes_in_chunks_and_lazily(
    emu: Emulator, lark: LarkClient, base: str, size: int, chunks: list[int]
) -> None:
    content = bytes(range(size))
    token = emu.state.add_file(base, "a.bin", content=content)
    pages = lark.drive.download_media_pages(file_token=token, chunk_bytes=4)
    assert lark.calls.total == 0
    got = list(pages)
    assert [len(chunk) for chunk in got] == chunks
    assert b"".join(got) == content
    assert lark.calls.by_kind["media"] == len(chunks)


def test_download_of_a_json_file_is_no_answer_of_lark(emu: Emulator, lark: LarkClient, base: str) -> None:
    token = emu.state.add_file(base, "a.json", content='{"code": 7}')
    assert b"".join(lark.drive.download_media_pages(file_token=token)) == b'{"code": 7}'


def test_download_asks_for_ranges_uncompressed(client: LarkClient, server: Any) -> None:
    server.do(body=b"0123", status=206, headers={"Content-Range": "bytes 0-3/6"})
    server.do(body=b"45", status=206, headers={"Content-Range": "bytes 4-5/6"})
    assert b"".join(client.drive.download_media_pages(file_token="box1", extra='{"a":1}', chunk_bytes=4)) == b"012345"
    assert [heard.headers["range"] for heard in server.calls] == ["bytes=0-3", "bytes=4-7"]
    assert server.calls[0].headers["accept-encoding"] == "identity"
    assert server.calls[0].path == f"{PATH}/box1/download?extra=%7B%22a%22%3A1%7D"


def test_download_of_unknown_length_ends_with_a_short_part(client: LarkClient, server: Any) -> None:
    server.do(body=b"0123", status=206, headers={"Content-Range": "bytes 0-3/*"})
    server.do(body=b"45", status=206, headers={"Content-Range": "bytes 4-5/*"})
    assert list(client.drive.download_media_pages(file_token="box1", chunk_bytes=4)) == [b"0123", b"45"]


def test_download_from_who_gives_no_parts_comes_whole(client: LarkClient, server: Any) -> None:
    server.do(body=b"012345", headers={"Content-Type": "application/octet-stream"})
    assert list(client.drive.download_media_pages(file_token="box1", chunk_bytes=4)) == [b"012345"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({"status": 200, "body": b"0123456", "headers": {"Content-Type": "image/png"}}, id="whole"),
        pytest.param({"status": 206, "body": b"45", "headers": {"Content-Range": "bytes 0-1/6"}}, id="other part"),
        pytest.param({"status": 206, "body": b"4", "headers": {"Content-Range": "bytes 4-5/6"}}, id="short"),
        pytest.param({"status": 206, "body": b"45", "headers": {}}, id="no range"),
        pytest.param({"status": 416, "body": b"", "headers": {}}, id="no such range"),
    ],
)
def test_download_of_another_part_than_asked_for_is_an_error(client: LarkClient, server: Any, second: Any) -> None:
    server.do(body=b"0123", status=206, headers={"Content-Range": "bytes 0-3/6"})
    server.do(**second)
    pages = client.drive.download_media_pages(file_token="box1", chunk_bytes=4)
    assert next(pages) == b"0123"
    with pytest.raises(UnexpectedAnswer, match="byte 4"):
        next(pages)


def test_download_part_that_breaks_off_is_read_again(client: LarkClient, server: Any) -> None:
    server.do("cut_body", body=b"01", status=206, headers={"Content-Range": "bytes 0-3/4"})
    server.do(body=b"0123", status=206, headers={"Content-Range": "bytes 0-3/4"})
    assert list(client.drive.download_media_pages(file_token="box1")) == [b"0123"]


def test_download_with_a_stale_token_asks_for_a_new_one(client: LarkClient, server: Any) -> None:
    server.refuse(99991663, status=400)
    server.do(body=b"0", status=206, headers={"Content-Range": "bytes 0-0/1"})
    assert list(client.drive.download_media_pages(file_token="box1")) == [b"0"]


def test_download_refused_is_larks_error(emu: Emulator, lark: LarkClient, base: str) -> None:
    with pytest.raises(NotFound, match="file boxNothing: the file does not exist"):
        list(lark.drive.download_media_pages(file_token="boxNothing"))
    with pytest.raises(BadRequest, match="chunk_bytes"):
        lark.drive.download_media_pages(file_token="box1", chunk_bytes=0)


@pytest.mark.parametrize("size", [1, 8, 10])
def test_download_whose_parts_have_no_name_comes_whole(emu: Emulator, lark: LarkClient, base: str, size: int) -> None:
    emu.switches.names_ranges = False
    token = emu.state.add_file(base, "a.txt", content="0123456789"[:size])
    assert b"".join(lark.drive.download_media_pages(file_token=token, chunk_bytes=4)) == b"0123456789"[:size]


def test_download_refused_by_a_status_alone_says_why(emu: Emulator, lark: LarkClient, base: str) -> None:
    emu.switches.bare_file_refusals = True
    with pytest.raises(NotFound, match="file boxNothing: the file does not exist") as caught:
        list(lark.drive.download_media_pages(file_token="boxNothing"))
    assert caught.value.log_id
    token = emu.state.add_file(base, "a.txt", content="a")
    emu.state.set_advanced(base)
    with pytest.raises(AccessDenied, match="needs extra"):
        list(lark.drive.download_media_pages(file_token=token))


def test_download_stopped_by_a_proxy_does_not_blame_the_app(client: LarkClient, server: Any) -> None:
    server.do(body=b"<html>no</html>", status=403, headers={"Content-Type": "text/html"})
    with pytest.raises(UnexpectedAnswer, match="proxy"):
        list(client.drive.download_media_pages(file_token="box1"))


def test_download_answer_that_is_no_file_is_refused(client: LarkClient, server: Any) -> None:
    server.say({"a": 1})
    with pytest.raises(UnexpectedAnswer, match="did not return a file"):
        list(client.drive.download_media_pages(file_token="box1"))


def test_temporary_addresses_are_asked_for_five_at_a_time(emu: Emulator, lark: LarkClient, base: str) -> None:
    tokens = [emu.state.add_file(base, f"{n}.txt", content=str(n)) for n in range(6)]
    urls = lark.drive.tmp_download_urls(file_tokens=[*tokens, tokens[0]])
    assert list(urls) == tokens
    assert all(url.startswith("http") for url in urls.values())
    assert lark.calls.by_kind["media"] == 2
    assert lark.drive.tmp_download_urls(file_tokens=[]) == {}


# events of a base


def test_subscription_to_a_base_begins_and_ends(lark: LarkClient, base: str) -> None:
    assert lark.drive.is_subscribed(app_token=base) is False
    lark.drive.subscribe(app_token=base)
    assert lark.drive.is_subscribed(app_token=base) is True
    lark.drive.unsubscribe(app_token=base)
    assert lark.drive.is_subscribed(app_token=base) is False


def test_subscription_that_is_not_there_is_none_and_ends_quietly(emu: Emulator, lark: LarkClient, base: str) -> None:
    emu.switches.unsubscribed = "always"
    lark.drive.unsubscribe(app_token=base)
    assert lark.drive.is_subscribed(app_token=base) is False


def test_subscription_without_the_right_says_which(emu: Emulator, lark: LarkClient) -> None:
    base = emu.state.create_base("Other", members=["cli_other"])
    with pytest.raises(AccessDenied, match="permission to manage the base"):
        lark.drive.subscribe(app_token=base.app_token)
    with pytest.raises(NotFound, match="base basNothing"):
        lark.drive.subscribe(app_token="basNothing")
