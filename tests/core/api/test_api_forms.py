"""Multipart bodies of any API: members and files, streamed, measured, and sent again only where that is safe."""

from __future__ import annotations

import asyncio
import io
import threading
import tracemalloc
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.wire.forms import UploadFile
from airflow_provider_lark.core.errors import BadRequest, OutcomeUnknown, TooLarge
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2" + bytes(range(256)) * 40
IMAGES = "/open-apis/im/v1/images"
UNKNOWN = "/open-apis/hire/v1/attachments"


def parts_of(heard: Any) -> dict[str, Any]:
    """The parts of a body that was heard, by name."""
    whole = message_from_bytes(b"content-type: " + heard.headers["content-type"].encode() + b"\r\n\r\n" + heard.body)
    return {str(each.get_param("name", header="content-disposition")): each for each in whole.get_payload()}  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["bytes", "file", "pipe"])
def test_file_arrives_as_it_is(emu: Emulator, lark: LarkClient, tmp_path: Path, kind: str) -> None:
    (tmp_path / "chart.png").write_bytes(b"skipped" + PNG)
    with (tmp_path / "chart.png").open("rb") as file:
        # from where it stands
        file.seek(7)
        given: Any = {"bytes": PNG, "file": file, "pipe": Pipe(PNG)}[kind]
        sent = UploadFile(given, size=len(PNG) if kind == "pipe" else None)
        answer = lark.call("POST", IMAGES, form={"image_type": "message"}, files={"image": sent})
    key = answer["data"]["image_key"]
    assert lark.resources.download_image(image_key=key) == PNG


class Pipe(io.RawIOBase):
    """A file that is not seekable."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        return self._inner.read(count)


def test_async_client_sends_the_same(emu: Emulator, tmp_path: Path) -> None:
    (tmp_path / "chart.png").write_bytes(PNG)

    async def send() -> bytes:
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url) as client:
            with (tmp_path / "chart.png").open("rb") as file:
                files = {"image": UploadFile(file)}
                answer = await client.call("POST", IMAGES, form={"image_type": "message"}, files=files)
            return await client.resources.download_image(image_key=answer["data"]["image_key"])

    assert asyncio.run(send()) == PNG


class Slow(io.BytesIO):
    """A file, of an object storage say, that gives no byte before somebody else on the loop has had a turn."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked, self.let_go = threading.Event(), threading.Event()
        self.waited: list[bool] = []

    def read(self, count: int | None = -1) -> bytes:
        self.asked.set()
        self.waited.append(self.let_go.wait(10))
        return super().read(count)


def test_async_client_does_not_wait_for_a_file_on_the_event_loop(emu: Emulator) -> None:
    file = Slow(PNG)

    async def others() -> None:
        while not file.asked.is_set():
            await asyncio.sleep(0)
        file.let_go.set()

    async def send() -> None:
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url) as client:
            files = {"image": UploadFile(file)}
            await asyncio.gather(others(), client.call("POST", IMAGES, form={"image_type": "message"}, files=files))

    asyncio.run(send())
    assert file.waited
    assert all(file.waited)


def test_members_names_and_types_are_sent_as_they_are_given(client: LarkClient, server: Any) -> None:
    server.say({"id": "1"})
    client.call(
        "POST",
        UNKNOWN,
        form={"title": "周报", "count": 3, "is_public": True, "tags": ["a", "b"], "nothing": None},
        files={"one": UploadFile(b"1", "报表.csv", kind="text/csv"), "two": UploadFile(b"2")},
    )
    parts = parts_of(server.calls[0])
    told = {name: part.get_payload(decode=True) for name, part in parts.items()}
    assert told == {
        "title": "周报".encode(),
        "count": b"3",
        "is_public": b"true",
        "tags": b'["a", "b"]',
        "one": b"1",
        "two": b"2",
    }
    assert (parts["one"].get_content_type(), parts["two"].get_content_type()) == (
        "text/csv",
        "application/octet-stream",
    )
    assert 'filename="报表.csv"'.encode() in server.calls[0].body


def test_upload_that_may_be_repeated_is_sent_again_from_its_first_byte(
    client: LarkClient, server: Any, tmp_path: Path
) -> None:
    (tmp_path / "chart.png").write_bytes(PNG)
    server.do("cut")
    server.refuse(99991400, status=429)
    server.say({"image_key": "img_a"})
    with (tmp_path / "chart.png").open("rb") as file:
        client.call("POST", IMAGES, form={"image_type": "message"}, files={"image": UploadFile(file)})
    bodies = [parts_of(heard)["image"].get_payload(decode=True) for heard in server.calls]
    assert bodies == [PNG, PNG, PNG]


def test_upload_of_an_unknown_api_without_an_answer_is_not_repeated(client: LarkClient, server: Any) -> None:
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.call("POST", UNKNOWN, files={"content": UploadFile(b"x")})
    assert len(server.calls) == 1
    server.do("cut")
    server.say({})
    client.call("POST", UNKNOWN, form={"uuid": "u1"}, files={"content": UploadFile(b"x")})
    assert len(server.calls) == 3


def test_large_file_is_read_part_by_part(client: LarkClient, server: Any, tmp_path: Path) -> None:
    size = 24 * 1024 * 1024
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(size)
    server.listen_no_more()
    tracemalloc.start()
    try:
        with (tmp_path / "large.bin").open("rb") as file, pytest.raises(Exception, match="refused the connection"):
            client.call("POST", UNKNOWN, files={"content": UploadFile(file)})
        # nothing of it is read before there is a connection
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        pytest.param({"form": {"a": 1}}, BadRequest, "form is only sent together with files", id="form alone"),
        pytest.param(
            {"json": {}, "files": {"f": UploadFile(b"")}}, BadRequest, "give either json, or form and files", id="both"
        ),
        pytest.param(
            {"form": {"f": 1}, "files": {"f": UploadFile(b"")}}, BadRequest, "is in both form and files", id="one name"
        ),
        pytest.param({"form": {"a": object()}, "files": {"f": UploadFile(b"")}}, BadRequest, r"form\['a'\]", id="type"),
        pytest.param(
            {"form": {"a": "x\0"}, "files": {"f": UploadFile(b"")}},
            BadRequest,
            "contains a NUL character",
            id="nul",
        ),
        pytest.param(
            {"files": {"f": UploadFile(b"", " ")}},
            BadRequest,
            "the name must have 1 to 250 characters, got 0",
            id="no name",
        ),
        pytest.param({"files": {"f": UploadFile(Pipe(b"x"), size=31 << 20)}}, TooLarge, "is not seekable", id="pipe"),
    ],
)
def test_body_that_cannot_be_sent_is_told_before_anything_is(
    client: LarkClient, server: Any, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        client.call("POST", UNKNOWN, **given)
    assert server.calls == []


def test_file_larger_than_the_api_takes_is_told_before_it_is_sent(
    client: LarkClient, server: Any, tmp_path: Path
) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    with (
        (tmp_path / "large.png").open("rb") as file,
        pytest.raises(TooLarge, match="10,485,761 bytes, more than the 10,485,"),
    ):
        client.call("POST", IMAGES, form={"image_type": "message"}, files={"image": UploadFile(file)})
    assert server.calls == []


def test_file_that_is_shorter_than_was_said_is_told_as_such(client: LarkClient, server: Any) -> None:
    server.say({}, times=2)
    with pytest.raises(BadRequest, match="the file is 5 bytes shorter than the given size of 9"):
        client.call("POST", UNKNOWN, files={"content": UploadFile(io.BytesIO(b"four"), size=9)})


def test_file_that_gives_text_is_told_as_such(client: LarkClient, server: Any) -> None:
    text: Any = io.StringIO("text")
    with pytest.raises(BadRequest, match="open it in binary mode"):
        client.call("POST", UNKNOWN, files={"content": UploadFile(text)})
