"""Multipart bodies with form fields and files for any API: ``client.call(…, form=…, files=…)``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, cast

from airflow_provider_lark.core.api.wire.flow import FilePart, Flow, Multipart, holds_nul
from airflow_provider_lark.core.api.wire.limits import FILE_NAME_MAX, MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.api.wire.upload import SourceReader, open_source
from airflow_provider_lark.core.errors import BadRequest, TooLarge

UNSEEKABLE_MAX_BYTES = MESSAGE_FILE_MAX_BYTES
"""Bytes of a file that cannot be read twice, and so is kept in memory."""


@dataclass(frozen=True, slots=True)
class UploadFile:
    """A file to send.

    :param content: bytes, or a file that is open for reading bytes; it is read from where it stands, part by part, and
        again where the request is sent again.
    :param name: its name for the API.
    :param size: its bytes; needed for a file that cannot seek.
    :param kind: its MIME type.
    """

    content: bytes | IO[bytes] = field(repr=False)
    name: str = "file"
    size: int | None = None
    kind: str = "application/octet-stream"


def read_body(
    form: Mapping[str, Any] | None, files: Mapping[str, UploadFile] | None, *, most_bytes: int | None, endpoint: str
) -> Flow[Multipart | None]:
    """Return the body of a request, None for one without files.

    :param form: text, numbers, true or false; a list or an object is sent as JSON, None not at all.
    :param most_bytes: of one file, where that is documented.
    :raises BadRequest: a member or a file cannot be sent.
    :raises TooLarge: a file has more bytes.
    """
    if not files:
        if form:
            raise BadRequest("form is only sent together with files; without files, use json", endpoint=endpoint)
        return None
    members = {name: _write(name, value, endpoint) for name, value in (form or {}).items() if value is not None}
    if both := members.keys() & files.keys():
        raise BadRequest(f"{min(both)!r} is in both form and files; each name may be used once", endpoint=endpoint)
    parts = {}
    for part, file in files.items():
        parts[part] = yield from _open(part, file, most_bytes, endpoint)
    return Multipart(members, parts)


def _open(part: str, file: UploadFile, most_bytes: int | None, endpoint: str) -> Flow[FilePart]:
    where = f"files[{part!r}]"
    if not 1 <= len(file.name.strip()) <= FILE_NAME_MAX:
        raise BadRequest(f"{where}: the name must have 1 to {FILE_NAME_MAX} characters, got {len(file.name.strip())}")
    name = check_text(file.name, f"{where}: the name", endpoint=endpoint)
    try:
        source = yield from open_source(file.content, file.size)
    except BadRequest as error:
        error.message = f"{where}: {error.message}"
        raise
    if most_bytes is not None and source.size > most_bytes:
        raise TooLarge(
            f"{where}: the file has {source.size:,} bytes, more than the {most_bytes:,} allowed; send a part of it, or "
            "a link",
            endpoint=endpoint,
        )
    if isinstance(file.content, bytes):
        return FilePart(file.content, name, file.kind)
    if source.start is not None:
        return FilePart(cast("IO[bytes]", SourceReader(source)), name, file.kind)
    if source.size > UNSEEKABLE_MAX_BYTES:
        raise TooLarge(
            f"{where}: the stream is not seekable, and its {source.size:,} bytes are more than the "
            f"{UNSEEKABLE_MAX_BYTES:,} that can be buffered for a retry; give its path, or a seekable file",
            endpoint=endpoint,
        )
    return FilePart((yield from source.read(source.size)), name, file.kind)


def _write(name: str, value: Any, endpoint: str) -> str:
    where = f"form[{name!r}]"
    if isinstance(value, str):
        return check_text(value, where, endpoint=endpoint)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text or holds_nul(text):
        # without the cause, whose text may quote the value
        raise BadRequest(
            f"{where}: got {type(value).__name__}; expected text, a finite number, a boolean, or a JSON value",
            endpoint=endpoint,
        )
    return check_text(text, where, endpoint=endpoint)
