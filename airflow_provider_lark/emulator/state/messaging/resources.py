"""Images and files of messages: kept in memory, per app (lark-api §6.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from airflow_provider_lark.emulator.ids import Ids

ResourceKind = Literal["image", "file", "sticker"]
FILE_TYPES: Final = ("opus", "mp4", "pdf", "doc", "xls", "ppt", "stream")

_FORMATS: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"BM", 0, "image/bmp"),
    (b"\x00\x00\x01\x00", 0, "image/x-icon"),
    (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heic"),
)


@dataclass(frozen=True)
class Resource:
    """An image or a file.

    :param app_id: who uploaded it; empty: a person sent it.
    :param type: what it was uploaded as: message or avatar, or one of :data:`FILE_TYPES`.
    """

    key: str
    kind: ResourceKind
    app_id: str
    type: str
    name: str
    content: bytes = field(repr=False)
    mime: str = "application/octet-stream"
    duration_ms: int | None = None


class Resources:
    """All images and files, by key."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._kept: dict[str, Resource] = {}

    def add(
        self,
        kind: ResourceKind,
        content: bytes,
        *,
        app_id: str,
        type_: str,
        name: str = "",
        mime: str = "application/octet-stream",
        duration_ms: int | None = None,
    ) -> Resource:
        """Keep one."""
        key = self._ids.make("img_v3_" if kind == "image" else "file_v3_", 32)
        made = self._kept[key] = Resource(key, kind, app_id, type_, name, content, mime, duration_ms)
        return made

    def find(self, key: str, kind: ResourceKind) -> Resource | None:
        """The one of that key and kind."""
        found = self._kept.get(key)
        return found if found is not None and found.kind == kind else None


def image_type(content: bytes) -> str | None:
    """The MIME type of an image that the platform takes, by its first bytes; None for anything else."""
    return next((mime for magic, at, mime in _FORMATS if content[at : at + len(magic)] == magic), None)


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or GIF; of others the emulator does not read them."""
    if content[:4] == b"\x89PNG":
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if content[:3] == b"GIF":
        return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    return None
