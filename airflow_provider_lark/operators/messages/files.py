"""Files and images of a task: read one after the other, and made into messages of one file or of several pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.api.wire.limits import IMAGE_MAX_BYTES, MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.hooks.parameters import read_names
from airflow_provider_lark.operators.messages.base import Said

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.services.messaging.content import Content

FILES = ("file", "file_content", "image")
"""What a message may be beside words."""

_MOST_BYTES = {"file": MESSAGE_FILE_MAX_BYTES, "image": IMAGE_MAX_BYTES}


@dataclass(frozen=True)
class GivenFile:
    """A file under the name that the chat shows."""

    name: str
    read: Callable[[], bytes]


def given_files(kind: str, value: Any, *, file_name: Any, conn_id: str | None) -> list[GivenFile]:
    """Return the files that one of :data:`FILES` names, none of them read yet.

    :raises ConfigError: one is not there, is empty, or has no name; or there are more or fewer names than files.
    :raises TooLarge: Lark takes none as large as one of them.
    """
    names = [str(each).strip() for each in read_names(file_name, "file_name")]
    if kind == "file_content":
        if len(names) != 1 or not names[0]:
            raise ConfigError("file_name: is required with file_content; give one such as report.csv")
        return [GivenFile(names[0], lambda: str(value).encode(errors="replace"))]
    paths = read_names(value, kind)
    if not paths:
        raise ConfigError(
            f"{kind}: the list is empty; give at least one path, or skip the task when there are no files"
        )
    if names and kind == "file" and len(names) != len(paths):
        raise ConfigError(
            f"file_name: got {counted(len(names), 'name')} for {counted(len(paths), 'file')}; give one name per file, "
            "or none"
        )
    return [
        _given_file(
            kind, path, conn_id, where=kind if len(paths) == 1 else f"{kind}[{at}]", name="".join(names[at : at + 1])
        )
        for at, path in enumerate(paths)
    ]


def _given_file(kind: str, given: Any, conn_id: str | None, *, where: str, name: str) -> GivenFile:
    from airflow.sdk import ObjectStoragePath

    if not str(given).strip():
        raise ConfigError(f"{where}: is empty; give a path")
    path = ObjectStoragePath(given, conn_id=conn_id)
    if not path.is_file():
        raise ConfigError(f"{where}: file {path.name!r} does not exist; check the path and storage_conn_id")
    _check_size(path, where, _MOST_BYTES[kind])
    return GivenFile(name or path.name, path.read_bytes)


def _check_size(path: ObjectStoragePath, where: str, most_bytes: int) -> None:
    size = path.stat().st_size
    if size == 0:
        raise ConfigError(f"{where}: file {path.name!r} is empty; Lark does not accept empty files")
    if size > most_bytes:
        raise TooLarge(
            f"{where}: file {path.name!r} has {size:,} bytes, more than the {most_bytes:,} Lark allows; send a link to "
            "it instead"
        )


def one_each(client: LarkClient, kind: str, files: Sequence[GivenFile]) -> Iterator[Said]:
    """Yield a message of each file, in order."""
    seen: list[list[Any]] = []
    for file in files:
        whole = file.read()
        mark = [file.name, sha256(whole).hexdigest()]
        # a file that is named twice is two messages
        count = seen.count(mark)
        seen.append(mark)
        yield Said(kind, [*mark, count] if count else mark, partial(_upload, client, kind, file.name, whole), file.name)


def pictures(client: LarkClient, files: Sequence[GivenFile], *, title: str, people: Sequence[str]) -> Said:
    """Return one message of several pictures, below each other."""
    from airflow_provider_lark.core.api.services.messaging import content

    def make() -> Content:
        keys = [client.resources.upload_image(content=file.read()) for file in files]
        lines = [[{"tag": "img", "image_key": key}] for key in keys]
        return content.post({"title": title, "content": lines}, mentions=people)

    digests = [sha256(file.read()).hexdigest() for file in files]
    return Said("image", [title, list(people), *digests], make)


def _upload(client: LarkClient, kind: str, name: str, whole: bytes) -> Content:
    from airflow_provider_lark.core.api.services.messaging import content

    if kind == "image":
        return content.image(client.resources.upload_image(content=whole))
    return content.file(client.resources.upload_file(name=name, content=whole))
