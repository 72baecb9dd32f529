"""What uploads and downloads of attachments share: the field, the files of a cell, and what a transfer answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, Self
from urllib.parse import parse_qs, urlsplit

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.dry_run import Foreseen, tell
from airflow_provider_lark.core.errors import RecordNotFound, SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field, FieldType, find_field
from airflow_provider_lark.core.lark_side.table import LarkTable

FILES_KEPT = 1000


class FilePath(Protocol):
    """A path of a file system or of a bucket: ``pathlib.Path``, Airflow's ``ObjectStoragePath``."""

    @property
    def name(self) -> str:
        """The last part."""
        ...

    def __truediv__(self, key: str) -> Self: ...

    def open(self, mode: str = "r") -> IO[Any]:
        """Open the file."""
        ...

    def stat(self) -> Any:
        """Return at least ``st_size``."""
        ...

    def exists(self) -> bool:
        """Tell whether there is such a file or folder."""
        ...

    def is_dir(self) -> bool:
        """Tell whether it is a folder."""
        ...

    def iterdir(self) -> Iterator[Self]:
        """Yield what is in the folder."""
        ...

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make the folder, where there is such a thing."""
        ...

    def unlink(self) -> None:
        """Delete the file."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a cell, as Lark shows it.

    :param extra: what a download must carry in a base with advanced permissions.
    """

    file_token: str
    name: str
    size: int | None
    extra: str | None

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Attachment:
        """Read one item of a cell."""
        found = parse_qs(urlsplit(str(wire.get("url") or "")).query).get("extra", [])
        size = wire.get("size")
        return cls(
            file_token=wire["file_token"],
            name=wire.get("name") or "",
            size=size if isinstance(size, int) else None,
            extra=found[0] if found else None,
        )


@dataclass(slots=True)
class FilesReport:
    """What became of the files.

    :param cells: cells with at least one file.
    :param transferred: files that were uploaded or downloaded.
    :param skipped: files that were already there.
    :param bytes: of the transferred files.
    :param files: record id, name, path and size of each file, the first 1,000.
    :param would: of a dry run: cells that would be written, and files that would be stored, by the records' ids.
    """

    cells: int = 0
    transferred: int = 0
    skipped: int = 0
    bytes: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)
    would: Foreseen | None = None

    def note(self, record_id: str, name: str, path: FilePath, size: int, *, skipped: bool) -> None:
        """Count one file."""
        if skipped:
            self.skipped += 1
        else:
            self.transferred += 1
            self.bytes += size
        if len(self.files) < FILES_KEPT:
            self.files.append({"record_id": record_id, "name": name, "path": str(path), "size": size})

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe plain data."""
        told = asdict(self)
        del told["would"]
        if self.would is None:
            return told
        # names of files are cell values
        del told["files"]
        return tell(told, self.would.to_dict())


def is_link(path: FilePath) -> bool:
    """Tell whether *path* is a symbolic link: whoever may write to a folder could lead us to any file by one."""
    local = getattr(path, "protocol", "file") in ("", "file", "local")
    return local and Path(getattr(path, "path", str(path))).is_symlink()


def attachment_field(fields: Sequence[Field], table: LarkTable, name: str) -> Field:
    """Return the one of *fields* that is called *name*.

    :raises SchemaMismatch: there is none, or it holds something else.
    """
    found = find_field(name, fields, where=table.label)
    if found.type != FieldType.ATTACHMENT:
        raise SchemaMismatch(f"{table.label}: field {found.describe()} is not an Attachment field; use one")
    return found


def read_records(table: LarkTable, record_ids: Sequence[str]) -> dict[str, WireRecord]:
    """Return records by their ids, in the order of the ids.

    :raises RecordNotFound: one does not exist, or is hidden from the app.
    """
    fates = table.look_up(record_ids)
    found = {record["record_id"]: record for record in fates.shown}
    if gone := [record_id for record_id in record_ids if record_id not in found]:
        shown = ", ".join(gone[:10]) + (" …" if len(gone) > 10 else "")
        raise RecordNotFound(f"{table.label}: records do not exist or are hidden from the app: {shown}")
    return {record_id: found[record_id] for record_id in record_ids}


def read_cell(cell: Any) -> list[Attachment]:
    """Return the files of a cell."""
    return [Attachment.from_wire(item) for item in cell or []]
