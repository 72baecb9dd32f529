"""Images and files of messages, up and down: ``client.resources``. Files of attachment cells are ``client.drive``."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import IO, Literal

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.core.api.wire.answers import data_of
from airflow_provider_lark.core.api.wire.flow import Flow, Multipart
from airflow_provider_lark.core.api.wire.limits import FILE_NAME_MAX, IMAGE_MAX_BYTES, MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.api.wire.query import QueryValue, check_text
from airflow_provider_lark.core.api.wire.upload import open_source
from airflow_provider_lark.core.errors import BadRequest, TooLarge

_TYPES = {
    ".pdf": "pdf",
    ".doc": "doc",
    ".docx": "doc",
    ".xls": "xls",
    ".xlsx": "xls",
    ".ppt": "ppt",
    ".pptx": "ppt",
}
_AS = {"audio": "opus", "media": "mp4"}


class Resources(Namespace[D]):
    """Images and files that messages show."""

    @ApiCall
    def upload_image(
        self, *, content: bytes | IO[bytes], size: int | None = None, is_avatar: bool = False
    ) -> Flow[str]:
        """Upload an image and return its image_key, which counts for this app only.

        JPG, PNG, WEBP, GIF, BMP, ICO, TIFF or HEIC, up to 10 MB and 12,000 x 12,000 pixels, a GIF 2,000 x 2,000.

        :param content: bytes, or a file that is open for reading bytes.
        :param size: its bytes; needed for a file that cannot seek.
        :raises BadRequest: the image is empty, or no image.
        :raises TooLarge: it has more than 10 MB.
        """
        image = yield from _read(content, size, IMAGE_MAX_BYTES, "image")
        parts = Multipart.of({"image_type": "avatar" if is_avatar else "message"}, image, part="image")
        body = yield from self.session.call(routes.UPLOAD_IMAGE, multipart=parts, subject="upload of an image")
        return str(data_of(body)["image_key"])

    @ApiCall
    def upload_file(
        self,
        *,
        name: str,
        content: bytes | IO[bytes],
        size: int | None = None,
        msg_type: Literal["file", "audio", "media"] = "file",
        duration_ms: int | None = None,
    ) -> Flow[str]:
        """Upload a file of up to 30 MB and return its file_key, which counts for this app only.

        :param name: shown in the chat as it is.
        :param content: bytes, or a file that is open for reading bytes.
        :param size: its bytes; needed for a file that cannot seek.
        :param msg_type: how it will be sent: as a file, a voice message (OPUS) or a video (MP4); Lark refuses another.
        :param duration_ms: of sound and video; without it the chat shows none.
        :raises BadRequest: the file is empty, or has no name.
        :raises TooLarge: it has more than 30 MB.
        """
        if not 1 <= len(name.strip()) <= FILE_NAME_MAX:
            raise BadRequest(f"the file name must have 1 to {FILE_NAME_MAX} characters, got {len(name.strip())}")
        if msg_type != "file" and msg_type not in _AS:
            raise BadRequest(f"msg_type: expected one of file, {', '.join(_AS)}, got {msg_type!r}")
        file = yield from _read(content, size, MESSAGE_FILE_MAX_BYTES, "file")
        members = {
            "file_type": _AS.get(msg_type) or _TYPES.get(PurePosixPath(name).suffix.lower(), "stream"),
            "file_name": check_text(name, "the file name"),
        }
        if duration_ms is not None:
            members["duration"] = str(duration_ms)
        body = yield from self.session.call(
            routes.UPLOAD_FILE, multipart=Multipart.of(members, file), subject="upload of a file"
        )
        return str(data_of(body)["file_key"])

    @ApiCall
    def download_image(self, *, image_key: str) -> Flow[bytes]:
        """Return an image that this app uploaded.

        :raises AccessDenied: another app did: read it from the message, with :meth:`download_resource`.
        """
        return (yield from self._fetch(routes.DOWNLOAD_IMAGE, {"image_key": image_key}, {}, f"image {image_key}"))

    @ApiCall
    def download_file(self, *, file_key: str) -> Flow[bytes]:
        """Return a file that this app uploaded, up to 100 MB.

        :raises AccessDenied: another app did: read it from the message, with :meth:`download_resource`.
        """
        return (yield from self._fetch(routes.DOWNLOAD_FILE, {"file_key": file_key}, {}, f"file {file_key}"))

    @ApiCall
    def download_resource(self, *, message_id: str, file_key: str, is_image: bool = False) -> Flow[bytes]:
        """Return an image or file of up to 100 MB from a message that the bot can see, whoever sent it.

        :param file_key: the file_key or image_key that stands in the message; not of cards.
        :param is_image: whether it is an image.
        :raises NotFound: the message does not hold it.
        """
        ids = {"message_id": message_id, "file_key": file_key}
        query: dict[str, QueryValue] = {"type": "image" if is_image else "file"}
        what = f"file {file_key} of message {message_id}"
        return (yield from self._fetch(routes.DOWNLOAD_RESOURCE, ids, query, what))

    def _fetch(
        self, route: routes.Route, ids: dict[str, str], query: dict[str, QueryValue], subject: str
    ) -> Flow[bytes]:
        response = yield from self.session.fetch(route, ids, query=query, headers={}, subject=subject)
        return response.body


def _read(content: bytes | IO[bytes], size: int | None, most: int, what: str) -> Flow[bytes]:
    source = yield from open_source(content, size)
    if source.size == 0:
        raise BadRequest(f"the {what} is empty; Lark does not accept empty files")
    if source.size > most:
        raise TooLarge(
            f"the {what} has {source.size:,} bytes, more than the {most:,} allowed; send a link to it instead"
        )
    return (yield from source.read(source.size))
