"""Files of attachments, and the subscription to a base's events: ``client.drive``.

Lark wants uploads one after the other (1061045 when they meet), so nothing here runs in parallel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from zlib import adler32

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.core.api.wire.answers import Gives, data_of, pick, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, HttpResponse, Multipart, Pages
from airflow_provider_lark.core.api.wire.limits import (
    DOWNLOAD_CHUNK_BYTES,
    FILE_NAME_MAX,
    TMP_URLS_MAX,
    UPLOAD_WHOLE_MAX_BYTES,
)
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.api.wire.upload import Source, open_source
from airflow_provider_lark.core.errors import BadRequest, NotFound, OutcomeUnknown, UnexpectedAnswer

_PART, _NO_SUCH_RANGE = 206, 416
_NOT_SUBSCRIBED = 1069605
# of upload_finish: the upload is unknown, finished or too old
_UPLOAD_GONE = 1061021
_BITABLE = {"file_type": "bitable"}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Drive(Namespace[D]):
    """The drive API, as far as a Bitable needs it."""

    @ApiCall
    def upload_media(
        self,
        *,
        app_token: str,
        name: str,
        content: bytes | IO[bytes],
        size: int | None = None,
        is_image: bool = False,
        extra: str | None = None,
    ) -> Flow[str]:
        """Upload a file for an attachment cell and return its file_token, which counts in this base only.

        Up to 20 MB go in one request, larger files in blocks of 4 MB: no more than that is held in memory. When the
        answer to the last step is lost, a file that can seek is sent once more.

        :param name: shown in the cell; at most 250 characters.
        :param content: bytes, or a file that is open for reading bytes; it is read from where it stands.
        :param size: its bytes; needed for a file that cannot seek.
        :param extra: for a base that is reached through another document: ``{"drive_route_token": "<token>"}``.
        :raises BadRequest: no name, no size, or a file that holds fewer bytes than *size*.
        """
        self._check_name(name)
        source = yield from open_source(content, size)
        about = {
            "file_name": name,
            "parent_type": "bitable_image" if is_image else "bitable_file",
            "parent_node": app_token,
            **({"extra": extra} if extra else {}),
        }
        subject = f"upload to base {app_token}"
        if source.size <= UPLOAD_WHOLE_MAX_BYTES:
            return (yield from self._upload_whole(about, source, subject))
        try:
            return (yield from self._upload_in_blocks(about, source, subject))
        except OutcomeUnknown as error:
            if error.code != _UPLOAD_GONE or not (yield from source.rewind()):
                raise
        # the first finish was carried out and its answer lost, with the only word on the file_token: Lark takes a file
        # away that no cell names, so it is sent once more
        return (yield from self._upload_in_blocks(about, source, subject))

    @ApiPages
    def download_media_pages(
        self, *, file_token: str, extra: str | None = None, chunk_bytes: int = DOWNLOAD_CHUNK_BYTES
    ) -> Pages[bytes]:
        """Yield a file of an attachment cell in chunks, each read when it is asked for.

        Where Lark does not give parts of a file, the whole comes as one chunk.

        :param extra: what the ``url`` of the cell carries as ``extra=``; needed in a base with advanced permissions.
        :raises UnexpectedAnswer: the file ended early.
        """
        if chunk_bytes < 1:
            raise BadRequest(f"chunk_bytes must be at least 1, got {chunk_bytes}")
        return self._download(file_token, extra, chunk_bytes)

    @ApiCall
    def tmp_download_urls(self, *, file_tokens: Sequence[str], extra: str | None = None) -> Flow[dict[str, str]]:
        """Return an address for each file from which anybody can download it for 24 hours, 5 files a call.

        The address is all that is needed: treat it as a secret. Files that Lark does not find are left out.
        """
        found: dict[str, str] = {}
        wanted = list(dict.fromkeys(file_tokens))
        for start in range(0, len(wanted), TMP_URLS_MAX):
            query = {"file_tokens": wanted[start : start + TMP_URLS_MAX], "extra": extra}
            body = yield from self.session.call(routes.TMP_DOWNLOAD_URLS, query=query, subject="temporary addresses")
            endpoint = routes.TMP_DOWNLOAD_URLS.endpoint
            needs: Gives = {"file_token": str, "tmp_download_url": str}
            for item in pick_objects(data_of(body), "tmp_download_urls", needs, endpoint=endpoint):
                found[item["file_token"]] = item["tmp_download_url"]
        return found

    @ApiCall
    def subscribe(self, *, app_token: str) -> Flow[None]:
        """Ask Lark to send the events of a base to the app, which must be allowed to manage it.

        The app must have subscribed to the event types in the developer console, too.
        """
        yield from self._of_base(routes.SUBSCRIBE_FILE, app_token)

    @ApiCall
    def unsubscribe(self, *, app_token: str) -> Flow[None]:
        """Ask Lark to send no more events of a base, whether it does or not."""
        yield from self._of_base(routes.UNSUBSCRIBE_FILE, app_token)

    @ApiCall
    def is_subscribed(self, *, app_token: str) -> Flow[bool]:
        """Tell whether Lark sends the events of a base to the app."""
        return bool((yield from self._of_base(routes.IS_FILE_SUBSCRIBED, app_token)).get("is_subscribe"))

    def _of_base(self, route: routes.Route, app_token: str) -> Flow[dict[str, object]]:
        ids, subject = {"file_token": app_token}, f"base {app_token}"
        try:
            return data_of((yield from self.session.call(route, ids, query=_BITABLE, subject=subject)))
        except NotFound as error:
            # the answer of both questions about a subscription that is not there
            if error.code != _NOT_SUBSCRIBED:
                raise
            return {}

    def _check_name(self, name: str) -> None:
        if not 1 <= len(name) <= FILE_NAME_MAX:
            raise BadRequest(f"the file name must have 1 to {FILE_NAME_MAX} characters, got {len(name)}")
        check_text(name, "the file name", endpoint=routes.UPLOAD_ALL.endpoint)

    def _upload_whole(self, about: Mapping[str, str], source: Source, subject: str) -> Flow[str]:
        content = yield from source.read(source.size)
        parts = _multipart({**about, "size": str(source.size)}, content)
        body = yield from self.session.call(routes.UPLOAD_ALL, multipart=parts, subject=subject)
        return pick(data_of(body), "file_token", str, endpoint=routes.UPLOAD_ALL.endpoint)

    def _upload_in_blocks(self, about: Mapping[str, str], source: Source, subject: str) -> Flow[str]:
        prepare, finish = routes.UPLOAD_PREPARE, routes.UPLOAD_FINISH
        told = data_of((yield from self.session.call(prepare, json={**about, "size": source.size}, subject=subject)))
        upload_id = pick(told, "upload_id", str, endpoint=prepare.endpoint)
        block_bytes = pick(told, "block_size", int, endpoint=prepare.endpoint)
        if not 1 <= block_bytes <= UPLOAD_WHOLE_MAX_BYTES:
            raise UnexpectedAnswer(
                f"{subject}: Lark asked for blocks of {block_bytes} bytes, which is not a valid size; try again",
                endpoint=prepare.endpoint,
            )
        block_num = -(-source.size // block_bytes)
        for seq in range(block_num):
            content = yield from source.read(min(block_bytes, source.size - seq * block_bytes))
            members = {"upload_id": upload_id, "seq": str(seq), "size": str(len(content))}
            yield from self.session.call(routes.UPLOAD_PART, multipart=_multipart(members, content), subject=subject)
        json = {"upload_id": upload_id, "block_num": block_num}
        body = yield from self.session.call(finish, json=json, subject=subject)
        return pick(data_of(body), "file_token", str, endpoint=finish.endpoint)

    def _download(self, file_token: str, extra: str | None, chunk_bytes: int) -> Pages[bytes]:
        progress = _Progress()
        while not progress.is_done:
            yield self._read_part(file_token, extra, progress, chunk_bytes)

    def _read_part(self, file_token: str, extra: str | None, progress: _Progress, chunk_bytes: int) -> Flow[bytes]:
        # compressed, a part would not be what its range says
        headers = {"Range": f"bytes={progress.start}-{progress.start + chunk_bytes - 1}", "Accept-Encoding": "identity"}
        response = yield from self.session.fetch(
            routes.DOWNLOAD_MEDIA,
            {"file_token": file_token},
            query={"extra": extra},
            headers=headers,
            subject=f"file {file_token}",
        )
        if not progress.take(response, chunk_bytes):
            raise UnexpectedAnswer(
                f"file {file_token}: Lark did not return the part starting at byte {progress.start}; download the file "
                "again",
                endpoint=routes.DOWNLOAD_MEDIA.endpoint,
            )
        return response.body if response.status != _NO_SUCH_RANGE else b""


@dataclass(slots=True)
class _Progress:
    """How far a download is.

    :param is_measured: a part has told the size of the file.
    """

    start: int = 0
    is_done: bool = False
    is_measured: bool = False

    def take(self, response: HttpResponse, asked_bytes: int) -> bool:
        """Go on behind *response*; False when it is not the part that was asked for."""
        if response.status != _PART:
            # no parts: all of it, or nothing, where there is no first byte
            self.is_done = True
            return self.start == 0 or (response.status == _NO_SUCH_RANGE and not self.is_measured)
        count = len(response.body)
        # documented is the 206, not that it names its part
        told = response.headers.get("content-range") or self._suppose(count, asked_bytes)
        found = _CONTENT_RANGE.fullmatch(told)
        if found is None or int(found[1]) != self.start or int(found[2]) + 1 - self.start != count:
            return False
        self.start += count
        self.is_measured = found[3] != "*"
        self.is_done = self.start >= int(found[3]) if self.is_measured else count < asked_bytes
        return True

    def _suppose(self, count: int, asked_bytes: int) -> str:
        is_likely = not self.is_measured and 0 < count <= asked_bytes
        return f"bytes {self.start}-{self.start + count - 1}/*" if is_likely else ""


def _multipart(members: Mapping[str, str], content: bytes) -> Multipart:
    return Multipart.of({**members, "checksum": str(adler32(content))}, content)
