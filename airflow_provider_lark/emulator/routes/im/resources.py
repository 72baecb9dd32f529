"""Images and files of messages, up and down (lark-api §6.1)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.multipart import Part
from airflow_provider_lark.emulator.routes.im.reaching import check_inside
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.media import guess_mime
from airflow_provider_lark.emulator.state.messaging.resources import (
    FILE_TYPES,
    Resource,
    ResourceKind,
    image_size,
    image_type,
)
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Raw, Request

MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024
MAX_FILE_BYTES: Final = 30 * 1024 * 1024
MAX_DOWNLOAD_BYTES: Final = 100 * 1024 * 1024
MAX_SIDES: Final = {"image/gif": 2000, "avatar": 4096}
MAX_SIDE: Final = 12_000


def _wrong(detail: str) -> ApiError:
    return ApiError(234001, detail)


def _read(request: Request, file: str, known: frozenset[str]) -> tuple[dict[str, str], Part]:
    """The form's members and its file."""
    if not request.caller.has_bot:
        raise ApiError(234007, "the app has no bot")
    form = request.form()
    unknown = sorted(set(form) - known - {file})
    if unknown:
        raise _wrong(f"unknown form fields {unknown}")
    if file not in form:
        raise _wrong(f"{file} is required")
    try:
        return {name: part.text for name, part in form.items() if name != file}, form[file]
    except UnicodeDecodeError as exc:
        raise _wrong("a part is not UTF-8") from exc


def _check_size(part: Part, most: int) -> bytes:
    if not part.content:
        raise ApiError(234010, "the file is empty")
    if len(part.content) > most:
        raise ApiError(234006, f"the limit is {most} bytes")
    return part.content


def upload_image(state: State, request: Request) -> dict[str, Any]:
    """Keep an image."""
    given, part = _read(request, "image", frozenset({"image_type"}))
    kind = given.get("image_type")
    if kind not in {"message", "avatar"}:
        raise _wrong("image_type must be message or avatar")
    content = _check_size(part, MAX_IMAGE_BYTES)
    mime = image_type(content)
    if mime is None:
        raise ApiError(234011, "an image must be JPG, PNG, WEBP, GIF, BMP, ICO, TIFF or HEIC")
    size = image_size(content)
    most = min(MAX_SIDES.get(mime, MAX_SIDE), MAX_SIDES.get(kind, MAX_SIDE))
    if size is not None and max(size) > most:
        raise ApiError(234039, f"the limit is {most} pixels per side")
    made = state.resources.add("image", content, app_id=request.caller.app_id, type_=kind, mime=mime)
    return {"image_key": made.key}


def upload_file(state: State, request: Request) -> dict[str, Any]:
    """Keep a file under its name."""
    given, part = _read(request, "file", frozenset({"file_type", "file_name", "duration"}))
    kind, name = given.get("file_type"), given.get("file_name")
    if kind not in FILE_TYPES:
        raise _wrong(f"file_type must be one of {', '.join(FILE_TYPES)}")
    if not name:
        raise _wrong("file_name is required")
    # the official SDK for Python sends an empty one for none
    duration = given.get("duration") or None
    if duration is not None and not (duration.isdecimal() and len(duration) < 12):
        raise _wrong("duration must be an integer, in ms")
    made = state.resources.add(
        "file",
        _check_size(part, MAX_FILE_BYTES),
        app_id=request.caller.app_id,
        type_=kind,
        name=name,
        mime=guess_mime(name),
        duration_ms=int(duration) if duration is not None else None,
    )
    return {"file_key": made.key}


def download_image(state: State, request: Request) -> Raw:
    """An image that this app uploaded for messages."""
    found = _own(state, request, request.params["image_key"], "image")
    if found.type == "avatar":
        raise _wrong("avatars cannot be downloaded")
    return _bytes(found)


def download_file(state: State, request: Request) -> Raw:
    """A file that this app uploaded."""
    return _bytes(_own(state, request, request.params["file_key"], "file"))


def _own(state: State, request: Request, key: str, kind: ResourceKind) -> Resource:
    if not request.caller.has_bot:
        raise ApiError(234007, "the app has no bot")
    found = state.resources.find(key, kind)
    if found is None:
        raise ApiError(234005, "the resource does not exist")
    if found.app_id != request.caller.app_id:
        raise ApiError(234008, "it was uploaded by another app")
    return found


def download_resource(state: State, request: Request) -> Raw:
    """An image or file in a message that the bot can see, whoever sent it."""
    kind = request.query.get("type")
    if kind not in {"image", "file"}:
        raise _wrong("type must be image or file")
    message = state.messages.find(request.params["message_id"])
    if message is None:
        raise _wrong("the message does not exist")
    chat = state.directory.chats.find(message.chat_id)
    try:
        if chat is not None:
            check_inside(state, request, chat)
    except ApiError as exc:
        raise ApiError(234004, "the bot is not in the chat of the message") from exc
    if message.is_recalled:
        raise ApiError(230110, "the message was recalled")
    if message.msg_type in {"interactive", "merge_forward", "sticker"} or message.upper_message_id:
        raise ApiError(234043, f"files of {message.msg_type} messages cannot be downloaded")
    key = request.params["file_key"]
    found = state.resources.find(key, "image" if kind == "image" else "file")
    if found is None or not state.messages.holds_file(message, key):
        raise ApiError(234003, "the file is not in the message")
    return _bytes(found)


def _bytes(found: Resource) -> Raw:
    if len(found.content) > MAX_DOWNLOAD_BYTES:
        raise ApiError(234037, "the file is larger than 100 MB")
    headers = {"Content-Type": found.mime}
    if found.name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return Raw(found.content, headers)


_IM: Final = "/open-apis/im/v1"


def _route(method: str, path: str, handler: Any, scopes: tuple[str, ...], note: str = "", **more: Any) -> Route:
    return Route(
        method,
        f"{_IM}/{path}",
        handler,
        scopes=scopes,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        note=note,
        **more,
    )


_UP: Final = ("im:resource", "im:resource:upload")

ROUTES: Final = (
    _route("POST", "images", upload_image, _UP, "pixels are counted for PNG and GIF"),
    _route("GET", "images/:image_key", download_image, ()),
    _route("POST", "files", upload_file, _UP, "contents are not checked: any bytes are accepted as opus or mp4"),
    _route("GET", "files/:file_key", download_file, ()),
    _route(
        "GET",
        "messages/:message_id/resources/:file_key",
        download_resource,
        ("im:message", "im:message:readonly", "im:message.history:readonly"),
        query=frozenset({"type"}),
    ),
)
