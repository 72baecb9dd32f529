"""A copy of a base (lark-api §2.2, §2.8)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from airflow_provider_lark.emulator.state.history import visible_records
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.kinds import FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Table

MOST_RECORDS: Final = 50_000


def copy_base(
    state: State, source: Base, *, name: str, time_zone: str, members: set[str], made_by: str, with_content: bool
) -> Base:
    """Copy tables, fields, views and, up to 50,000 of them, records.

    Ids stay, as they need be unique inside one base only (§2.1); files get tokens of their own, as theirs serve no
    other base (§7.4).
    """
    made = state.create_base(name, time_zone, members=members, made_by=made_by)
    made.copied_ms = state.now_ms + int(state.switches.copy_seconds * 1000)
    files = {
        each.file_token: state.keep_file(made, each.name, each.content, each.mime) for each in source.files.values()
    }
    with_content = with_content and sum(len(each.records) for each in source.tables.values()) <= MOST_RECORDS
    for table in source.tables.values():
        copied = Table(table.table_id, table.name, deepcopy(table.fields), deepcopy(table.views))
        for column in copied.fields:
            column.created_ms = 0
        made.tables[copied.table_id] = copied
        if with_content:
            _copy_records(state, table, copied, files)
    return made


def _copy_records(state: State, table: Table, copied: Table, files: dict[str, str]) -> None:
    attachments = {each.field_id for each in table.fields if each.type == FieldType.ATTACHMENT}
    copied.next_serial = table.next_serial
    for record in visible_records(state, table):
        cells: dict[str, Any] = {
            field_id: [files[each] for each in held] if field_id in attachments else held
            for field_id, held in record.cells.items()
        }
        copied.records[record.record_id] = record.edited(cells, record.modified_ms, record.modified_by)
