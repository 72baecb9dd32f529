"""Files of attachment cells: kept in memory, uploaded whole or in blocks (lark-api §7.4)."""

from __future__ import annotations

import mimetypes
import zlib
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.tenant.kinds import FieldType
from airflow_provider_lark.emulator.tenant.model import Base

MAX_WHOLE: Final = 20 * 1024 * 1024
MAX_NAME: Final = 250
BLOCK: Final = 4 * 1024 * 1024
UPLOAD_SECONDS: Final = 24 * 3600
LINK_SECONDS: Final = 24 * 3600
_CHECKSUM_DIGITS: Final = 10

# the machine's own tables would make the type differ from place to place
_TYPES: Final = mimetypes.MimeTypes()


@dataclass
class Upload:
    """A file that arrives in blocks."""

    upload_id: str
    app_id: str
    base: Base
    name: str
    size: int
    expires: float
    blocks: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def block_count(self) -> int:
        """How many blocks make the file."""
        return max(1, -(-self.size // BLOCK))

    def size_of(self, seq: int) -> int:
        """The bytes of block *seq*: the last is what is left."""
        return BLOCK if seq < self.block_count - 1 else self.size - BLOCK * (self.block_count - 1)


def guess_mime(name: str) -> str:
    """The type that the ending of *name* stands for."""
    return _TYPES.guess_type(name)[0] or "application/octet-stream"


def check_content(content: bytes, size: int, checksum: str | None) -> None:
    """Compare what came with what was announced.

    :param checksum: Adler-32 as a decimal.
    :raises ApiError: 1062009 for the size, 1062008 for the checksum, 1061002 for one that is no number.
    """
    if len(content) != size:
        raise ApiError(1062009, f"size says {size} bytes, {len(content)} came")
    if checksum and not (checksum.isdecimal() and len(checksum) <= _CHECKSUM_DIGITS):
        raise ApiError(1061002, "checksum must be the Adler-32, in decimal")
    if checksum and int(checksum) != zlib.adler32(content):
        raise ApiError(1062008, "the content does not match its checksum")


def holds_file(base: Base, table_id: object, file_token: str) -> bool:
    """Whether an attachment cell of the table holds the file."""
    return any(True for _ in _holders(base, table_id, file_token))


def holds_file_at(base: Base, table_id: object, file_token: str, places: object) -> bool:
    """Whether a cell that *places*, ``{field_id: {record_id: [file_token]}}``, names holds the file."""
    if not isinstance(places, dict):
        return False
    for field_id, record_id in _holders(base, table_id, file_token):
        named = places.get(field_id)
        tokens = named.get(record_id) if isinstance(named, dict) else None
        if isinstance(tokens, list) and file_token in tokens:
            return True
    return False


def _holders(base: Base, table_id: object, file_token: str) -> list[tuple[str, str]]:
    table = base.tables.get(table_id) if isinstance(table_id, str) else None
    if table is None:
        return []
    columns = [each.field_id for each in table.fields if each.type == FieldType.ATTACHMENT]
    return [
        (field_id, record.record_id)
        for record in table.records.values()
        for field_id in columns
        if file_token in record.cells.get(field_id, ())
    ]
