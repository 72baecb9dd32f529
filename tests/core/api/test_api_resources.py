"""Images and files of messages, against the emulator."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.wire import limits
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, LarkError, NotFound, TooLarge
from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.routes.im import resources as documented

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


@pytest.mark.parametrize(
    "name",
    ["销售报表—11月 (终版).csv", 'quote " and ; semi.txt', "a\\b.txt", "emoji 🎉.md", "percent%20.txt", " blank .txt"],
)
def test_file_arrives_under_exactly_its_name(emu: Emulator, lark: LarkClient, name: str) -> None:
    key = lark.resources.upload_file(name=name, content=b"a")
    kept = emu.state.resources.find(key, "file")
    assert kept is not None
    assert kept.name == name


def test_file_and_image_come_back(emu: Emulator, lark: LarkClient) -> None:
    key = lark.resources.upload_file(name="a.json", content=io.BytesIO(b'{"code": 1}'))
    # a file may be JSON itself, and looks like a refusal then
    assert lark.resources.download_file(file_key=key) == b'{"code": 1}'
    image = lark.resources.upload_image(content=PNG)
    assert lark.resources.download_image(image_key=image) == PNG
    chat_id = emu.state.add_chat("Team")
    sent = lark.messaging.send(receiver_id=chat_id, content=content.image(image)).message_id
    assert lark.resources.download_resource(message_id=sent, file_key=image, is_image=True) == PNG
    with pytest.raises(NotFound, match="not in this message"):
        lark.resources.download_resource(message_id=sent, file_key=key)


@pytest.mark.parametrize(
    ("name", "msg_type", "kind"),
    [
        ("a.pdf", "file", "pdf"),
        ("A.XLSX", "file", "xls"),
        ("a.docx", "file", "doc"),
        ("a.pptx", "file", "ppt"),
        ("a.csv", "file", "stream"),
        ("none", "file", "stream"),
        # as a file, or Lark would want it as a video
        ("a.mp4", "file", "stream"),
        ("a.mp4", "media", "mp4"),
        ("a.ogg", "audio", "opus"),
    ],
)
def test_file_is_uploaded_as_what_it_will_be_sent(
    emu: Emulator, lark: LarkClient, name: str, msg_type: Any, kind: str
) -> None:
    key = lark.resources.upload_file(name=name, content=b"a", msg_type=msg_type)
    kept = emu.state.resources.find(key, "file")
    assert kept is not None
    assert kept.type == kind
    said = {"file": content.file, "media": content.media, "audio": content.audio}[msg_type](key)
    assert lark.messaging.send(receiver_id=emu.state.add_chat("Team"), content=said).message_id


@pytest.mark.parametrize(
    ("upload", "error", "words"),
    [
        pytest.param(lambda r: r.upload_file(name="a", content=b""), BadRequest, "file is empty", id="empty file"),
        pytest.param(lambda r: r.upload_image(content=b""), BadRequest, "image is empty", id="empty image"),
        pytest.param(lambda r: r.upload_file(name=" ", content=b"x"), BadRequest, "0 characters", id="no name"),
        pytest.param(lambda r: r.upload_file(name="a\0", content=b"x"), BadRequest, "NUL", id="nul in the name"),
        pytest.param(
            lambda r: r.upload_file(name="a", content=bytes((30 << 20) + 1)),
            TooLarge,
            "more than the 31,457,280 allowed",
            id="30 MB",
        ),
        pytest.param(
            lambda r: r.upload_image(content=bytes((10 << 20) + 1)),
            TooLarge,
            "more than the 10,485,760 allowed",
            id="10 MB",
        ),
        pytest.param(
            lambda r: r.upload_file(name="a", content=b"x", msg_type="sticker"),
            BadRequest,
            "expected one of file",
            id="type",
        ),
        pytest.param(
            lambda r: r.upload_file(name="a", content=io.StringIO("x"), size=1),
            BadRequest,
            "binary mode \\('rb'\\)",
            id="text",
        ),
    ],
)
def test_upload_that_cannot_be_is_refused_before_the_call(
    lark: LarkClient, upload: Callable[[Any], object], error: type[LarkError], words: str
) -> None:
    with pytest.raises(error, match=words):
        upload(lark.resources)
    assert lark.calls.total == 0


def test_image_that_is_none_is_refused_by_lark(lark: LarkClient) -> None:
    with pytest.raises(BadRequest, match="JPG, PNG, WEBP"):
        lark.resources.upload_image(content=b"text")


def test_file_of_another_app_is_neither_sent_nor_read(emu: Emulator, lark: LarkClient) -> None:
    emu.state.add_app("cli_2", "s")
    theirs = emu.state.resources.add("file", b"x", app_id="cli_2", type_="stream", name="x").key
    with pytest.raises(AccessDenied, match="upload it with the same app"):
        lark.messaging.send(receiver_id=emu.state.add_chat("Team"), content=content.file(theirs))
    with pytest.raises(AccessDenied, match="download it from its message"):
        lark.resources.download_file(file_key=theirs)
    with pytest.raises(NotFound, match="the image or file does not exist"):
        lark.resources.download_image(image_key="img_x")


def test_upload_whose_answer_is_lost_is_sent_again(emu: Emulator, lark: LarkClient) -> None:
    emu.faults.add("POST /open-apis/im/v1/files", action="drop_after")
    key = lark.resources.upload_file(name="a", content=io.BytesIO(b"abc"))
    assert lark.resources.download_file(file_key=key) == b"abc"


def test_limits_are_the_documents() -> None:
    assert (limits.IMAGE_MAX_BYTES, limits.MESSAGE_FILE_MAX_BYTES) == (
        documented.MAX_IMAGE_BYTES,
        documented.MAX_FILE_BYTES,
    )
