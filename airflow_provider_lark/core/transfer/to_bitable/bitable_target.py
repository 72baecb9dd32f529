"""The Bitable table that a transfer writes to: found, or made with fields that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.dry_run import Foreseen
from airflow_provider_lark.core.errors import ConfigError, NotFound
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.sqltypes import lark_field_for
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.lark_side.table_completion import complete_table, is_leftover
from airflow_provider_lark.core.transfer.pairing import Names
from airflow_provider_lark.core.transfer.to_bitable.sql_source import OpenSource, renamed

_PRIMARY_TYPES = frozenset(
    {FieldType.TEXT, FieldType.NUMBER, FieldType.DATE_TIME, FieldType.PHONE, FieldType.URL, FieldType.LOCATION}
)
"""What Lark takes as a table's first field, of the types that are created here."""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table and its fields; *is_new* when it was made just now, with no records."""

    table: LarkTable
    fields: list[Field]
    is_new: bool = False


def find_table(client: LarkClient, address: TableAddress) -> FoundTable | None:
    """Return the table of *address*, None where the base has none of that name.

    :raises NotFound: the base does not exist, or there is no table of that id.
    """
    if not address.table_id and address.table:
        app_token = client.bitable.locate_base(address)
        ids = {table.name: table.table_id for table in client.bitable.list_tables(app_token=app_token)}
        table_id = ids.get(address.table, address.table if address.table in ids.values() else "")
        if not table_id:
            return None
        table = LarkTable(client, app_token, table_id)
    else:
        table = LarkTable.locate(client, address)
    return FoundTable(table, table.read_fields())


def no_such_table(address: TableAddress, *, create: str) -> NotFound:
    """Return the error for a table that is not there."""
    return NotFound(f"base {address.base or address.app_token!r} has no table {address.table!r}; {create}")


def make_table(
    client: LarkClient,
    address: TableAddress,
    pairs: Names,
    source: OpenSource,
    keys: Sequence[str],
    would: Foreseen | None = None,
) -> FoundTable:
    """Create the table of *address* with a field for each pair.

    :param keys: names of the fields that tell records apart; the first of them leads.
    :param would: counts what would be made, and nothing is.
    :raises SchemaMismatch: no field can hold a column.
    """
    if not address.table:
        raise ConfigError(
            "create_table: give the name of the table to create; an address with ?table= refers to an existing one"
        )
    app_token = client.bitable.locate_base(address)
    definitions = define_fields(pairs, source, keys)
    if would is not None:
        would.add("lark.make", [f"table {address.table}"])
        return FoundTable(LarkTable(client, app_token, ""), _foresee_fields(definitions), is_new=True)
    table_id = client.bitable.create_table(app_token=app_token, name=address.table, fields=definitions)
    table = LarkTable(client, app_token, table_id)
    return FoundTable(table, complete_table(table, definitions), is_new=True)


def finish_table(
    found: FoundTable, pairs: Names, source: OpenSource, keys: Sequence[str], would: Foreseen | None = None
) -> FoundTable:
    """Make the fields that an earlier try left out of its new table; a table that looks otherwise stays as it is."""
    known = {field.name for field in found.fields}
    if all(field in known for field, _ in pairs):
        return found
    definitions = define_fields(pairs, source, keys)
    if not is_leftover(found.table, definitions):
        return found
    if would is not None:
        missing = [each for each in definitions if each["field_name"] not in known]
        would.add("lark.make", [f"field {each['field_name']}" for each in missing])
        return FoundTable(found.table, [*found.fields, *_foresee_fields(missing)], is_new=True)
    return FoundTable(found.table, complete_table(found.table, definitions), is_new=True)


def _foresee_fields(definitions: Sequence[dict[str, Any]]) -> list[Field]:
    return [Field.from_wire({"field_id": "", **each}) for each in definitions]


def define_fields(pairs: Names, source: OpenSource, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return the definitions of fields that hold the columns of *pairs*, one that may be primary first."""
    key_columns = {field for field, column in pairs if field in keys or source.describe(column).is_key}
    made = [
        lark_field_for(renamed(source.describe(column), field, is_key=field in key_columns)) for field, column in pairs
    ]
    # a stable sort: the key leads, the others keep their order
    made.sort(key=lambda each: each["field_name"] not in key_columns)
    first = next((each for each in made if each["type"] in _PRIMARY_TYPES), None)
    if first is None:
        # only choices and checkboxes: one of them has to be text
        first = made[0] = {"field_name": made[0]["field_name"], "type": int(FieldType.TEXT), "ui_type": "Text"}
    made.remove(first)
    return [first, *made]
