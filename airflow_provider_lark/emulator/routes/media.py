"""Files of attachment cells: upload, download, temporary links (lark-api §7.4)."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from airflow_provider_lark.emulator.errors import ApiError, status_of
from airflow_provider_lark.emulator.formats.jsontext import parse_text
from airflow_provider_lark.emulator.formats.multipart import Part
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state import media
from airflow_provider_lark.emulator.state.media import Upload
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import Base, Media
from airflow_provider_lark.emulator.wire import Raw, Request

MAX_LINKS: Final = 5
# a list: what is looked up in it may be unhashable JSON
_PARENT_TYPES: Final = ["bitable_file", "bitable_image"]
_MOST_DIGITS: Final = 18
_RANGE: Final = re.compile(rf"bytes=(\d{{0,{_MOST_DIGITS}}})-(\d{{0,{_MOST_DIGITS}}})", re.ASCII)


def _wrong(detail: str) -> ApiError:
    return ApiError(1061002, detail)


def _texts(request: Request, known: frozenset[str]) -> tuple[dict[str, str], Part | None]:
    """The form's members and its file."""
    form = request.form()
    unknown = sorted(set(form) - known - {"file"})
    if unknown:
        raise _wrong(f"unknown form fields {unknown}")
    try:
        return {name: part.text for name, part in form.items() if name != "file"}, form.get("file")
    except UnicodeDecodeError as exc:
        raise _wrong("a part is not UTF-8") from exc


def _whole(given: object, name: str) -> int:
    # forms carry text, JSON bodies carry numbers
    if isinstance(given, str) and given.isdecimal() and len(given) <= _MOST_DIGITS:
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise _wrong(f"{name} must be an integer")


def _name(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise _wrong("file_name is required")
    if len(given) > media.MAX_NAME:
        raise ApiError(1061008, f"a file name may have at most {media.MAX_NAME} characters")
    return given


def _usable(state: State, request: Request, token: object, code: int) -> Base:
    """The base of *token*.

    :raises ApiError: *code* when there is none; 1061004 when the app may not use it.
    """
    base = state.bases.get(token) if isinstance(token, str) else None
    if base is None:
        raise ApiError(code, "no such base")
    member_id = request.member_id
    if (base.members is not None and member_id not in base.members) or base.leaves_out(member_id):
        raise ApiError(1061004, "the app has no access to this base")
    return base


def _parent(state: State, request: Request, given: dict[str, Any]) -> Base:
    """The base that the file is for: a file serves no other (§7.4)."""
    if given.get("parent_type") not in _PARENT_TYPES:
        raise _wrong(f"the emulator supports parent_type {_PARENT_TYPES} only")
    if not given.get("parent_node"):
        raise _wrong("parent_node is required: the app_token")
    base = _usable(state, request, given["parent_node"], 1061044)
    if given.get("extra") not in (None, ""):
        route = _object(given["extra"]).get("drive_route_token")
        _usable(state, request, route, 1061002)
    return base


def _object(text: object) -> dict[str, Any]:
    try:
        parsed = parse_text(text) if isinstance(text, str) else None
    except ValueError as exc:
        raise _wrong("extra is not JSON") from exc
    if not isinstance(parsed, dict):
        raise _wrong("extra must be a JSON object, as a string")
    return parsed


def upload_all(state: State, request: Request) -> dict[str, Any]:
    """Upload a file of up to 20 MB."""
    given, file = _texts(request, _UPLOAD | {"checksum"})
    name, size = _name(given.get("file_name")), _whole(given.get("size"), "size")
    base = _parent(state, request, given)
    if size > media.MAX_WHOLE:
        raise ApiError(1061043, "files larger than 20 MB need upload_prepare")
    if file is None:
        raise _wrong("file is required")
    media.check_content(file.content, size, given.get("checksum"))
    return {"file_token": state.keep_file(base, name, file.content)}


def upload_prepare(state: State, request: Request) -> dict[str, Any]:
    """Announce a file that comes in blocks of 4 MB."""
    body = request.json()
    name, size = _name(body.get("file_name")), _whole(body.get("size"), "size")
    base = _parent(state, request, body)
    expires = state.clock.now() + media.UPLOAD_SECONDS
    upload = Upload(state.ids.make("", 20), request.caller.app_id, base, name, size, expires)
    state.uploads[upload.upload_id] = upload
    return {"upload_id": upload.upload_id, "block_size": media.BLOCK, "block_num": upload.block_count}


def _upload(state: State, request: Request, upload_id: object) -> Upload:
    if not isinstance(upload_id, str) or not upload_id:
        raise _wrong("upload_id is required")
    upload = state.uploads.get(upload_id)
    if upload is None or upload.expires <= state.clock.now():
        raise ApiError(1061021, "the upload is unknown, finished, or older than 24 hours")
    if upload.app_id != request.caller.app_id:
        raise ApiError(1062007, "the upload was started by another app")
    return upload


def upload_part(state: State, request: Request) -> dict[str, Any]:
    """One block; a block sent again replaces the first."""
    given, file = _texts(request, frozenset({"upload_id", "seq", "size", "checksum"}))
    upload = _upload(state, request, given.get("upload_id"))
    seq, size = _whole(given.get("seq"), "seq"), _whole(given.get("size"), "size")
    if seq >= upload.block_count:
        raise ApiError(1062011, f"the blocks of the file are 0..{upload.block_count - 1}")
    if file is None:
        raise _wrong("file is required")
    media.check_content(file.content, size, given.get("checksum"))
    if size != upload.size_of(seq):
        raise ApiError(1062009, f"block {seq} has {upload.size_of(seq)} bytes")
    upload.blocks[seq] = file.content
    return {}


def upload_finish(state: State, request: Request) -> dict[str, Any]:
    """Make the file of its blocks."""
    body = request.json()
    upload = _upload(state, request, body.get("upload_id"))
    count = _whole(body.get("block_num"), "block_num")
    if count > upload.block_count:
        raise ApiError(1062011, f"the file has {upload.block_count} blocks")
    if count < upload.block_count or len(upload.blocks) < upload.block_count:
        raise ApiError(1062010, f"{len(upload.blocks)} of {upload.block_count} blocks arrived")
    content = b"".join(upload.blocks[seq] for seq in range(upload.block_count))
    del state.uploads[upload.upload_id]
    return {"file_token": state.keep_file(upload.base, upload.name, content)}


def _readable(state: State, request: Request, file_token: str) -> Media:
    base = next((each for each in state.bases.values() if file_token in each.files), None)
    if base is None:
        raise ApiError(1061003, "no such file")
    _usable(state, request, base.app_token, 1061003)
    if base.is_advanced:
        _check_extra(base, file_token, request.query.get("extra"))
    return base.files[file_token]


def _check_extra(base: Base, file_token: str, extra: str | None) -> None:
    """Under advanced permissions ``extra`` says through which table, or which cells, the file is reached (§7.4)."""
    if not extra:
        raise ApiError(1061004, "the base has advanced permissions: send extra, as the record's url carries it")
    permission = _object(extra).get("bitablePerm")
    if not isinstance(permission, dict):
        raise _wrong("extra must be {bitablePerm: {tableId, attachments?}}")
    table_id = permission.get("tableId")
    if "attachments" in permission:
        is_held = media.holds_file_at(base, table_id, file_token, permission["attachments"])
    else:
        is_held = media.holds_file(base, table_id, file_token)
    if not is_held:
        raise ApiError(1061004, "extra does not name a cell that contains the file")


def download(state: State, request: Request) -> Raw:
    """A file's bytes, or the range that is asked for."""
    try:
        file = _readable(state, request, request.params["file_token"])
    except ApiError as error:
        if not state.switches.bare_file_refusals:
            raise
        return Raw(b"", {}, error.status or status_of(error.code))
    return _bytes(file, state, request)


def _bytes(file: Media, state: State, request: Request) -> Raw:
    size = len(file.content)
    headers = {
        "Content-Type": file.mime,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Accept-Ranges": "bytes",
    }
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or match[0] == "bytes=-" or not state.switches.serves_ranges:
        return Raw(file.content, headers)
    start, end = _span(match[1], match[2], size)
    if start >= end:
        return Raw(b"", {**headers, "Content-Range": f"bytes */{size}"}, 416)
    if state.switches.names_ranges:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Raw(file.content[start:end], headers, 206)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:  # the last so many bytes
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def tmp_download_urls(state: State, request: Request) -> dict[str, Any]:
    """Links that serve a file for 24 hours, without a token."""
    wanted = request.repeated.get("file_tokens", [])
    if not 1 <= len(wanted) <= MAX_LINKS:
        raise _wrong(f"file_tokens must contain 1..{MAX_LINKS} files")
    expires = state.clock.now() + media.LINK_SECONDS
    links = [
        {"file_token": each, "tmp_download_url": f"{state.origin}{_LINK}?code={state.keep_link(file, expires)}"}
        for each in wanted
        for file in [_readable(state, request, each)]
    ]
    return {"tmp_download_urls": links}


def follow_link(state: State, request: Request) -> Raw:
    """What a temporary link leads to."""
    link = state.links.get(request.query.get("code", ""))
    if link is None or link[1] <= state.clock.now():
        raise ApiError(1061004, "the link is unknown or older than 24 hours")
    return _bytes(link[0], state, request)


_MEDIAS: Final = "/open-apis/drive/v1/medias"
_LINK: Final = "/space/api/box/stream/download/authcode"
_UPLOAD: Final = frozenset({"file_name", "parent_type", "parent_node", "size", "extra"})
_DAILY: Final = "the daily limit of 10,000 is not counted"
_PARENTS: Final = f"parent_type bitable_image and bitable_file only; {_DAILY}"
_UPLOAD_SCOPES: Final = ("bitable:app", "drive:drive", "docs:document.media:upload")
_DOWNLOAD_SCOPES: Final = ("bitable:app", "drive:drive", "docs:document.media:download")


def _upload_route(tail: str, handler: Any, *, members: frozenset[str] | None = None, note: str = _DAILY) -> Route:
    return Route(
        "POST",
        f"{_MEDIAS}/{tail}",
        handler,
        members=members,
        scopes=_UPLOAD_SCOPES,
        rate=Rate(5),
        holds="uploads",
        coverage="partly",
        note=note,
    )


ROUTES: Final = (
    _upload_route("upload_all", upload_all, note=_PARENTS),
    _upload_route("upload_prepare", upload_prepare, members=_UPLOAD, note=_PARENTS),
    _upload_route("upload_part", upload_part),
    _upload_route("upload_finish", upload_finish, members=frozenset({"upload_id", "block_num"})),
    Route(
        "GET",
        f"{_MEDIAS}/:file_token/download",
        download,
        query=frozenset({"extra"}),
        scopes=_DOWNLOAD_SCOPES,
        rate=Rate(5),
        note="with Range; extra is checked under advanced permissions",
    ),
    Route(
        "GET",
        f"{_MEDIAS}/batch_get_tmp_download_url",
        tmp_download_urls,
        query=frozenset({"file_tokens", "extra"}),
        scopes=_DOWNLOAD_SCOPES,
        rate=Rate(5),
        note="the links are served too, for 24 hours and without a token",
    ),
    Route(
        "GET",
        _LINK,
        follow_link,
        query=frozenset({"code"}),
        needs_token=False,
        note="the target of temporary links; the path is the emulator's own",
    ),
)
