"""Operators that list, create, change and delete the tables and fields of a base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_lark.core.errors import ConfigError, NotFound
from airflow_provider_lark.hooks.parameters import read_json, read_list
from airflow_provider_lark.hooks.table_place import TablePlace
from airflow_provider_lark.operators.records.base import BitableOperator, BitableTableOperator, OpenedTable, token_seed

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.fields.schema import Field
    from airflow_provider_lark.hooks.lark import LarkHook


class BitableListTablesOperator(BitableOperator):
    """Returns the tables of a base: ``{"tables": [{"table_id", "name"}]}``."""

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        tables = opened.client.bitable.list_tables(app_token=opened.place.app_token)
        return {"tables": [{"table_id": table.table_id, "name": table.name} for table in tables]}


class BitableListFieldsOperator(BitableTableOperator):
    """Returns the fields of a table: ``{"fields": [{"field_id", "name", "type", "type_name", …}]}``.

    :param with_property: also each field's settings, such as the options of a select, which may be thousands.
    """

    lineage = "reads"

    def __init__(self, *, with_property: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.with_property = with_property

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        fields = opened.table.read_fields()
        return {"fields": [describe_field(field, with_property=self.with_property) for field in fields]}


class BitableCreateTableOperator(BitableOperator):
    """Creates a table and returns ``{"table_id", "created": 1 or 0}``.

    :param table_name: 1 to 100 characters, none of ``/ \\ ? * : [ ]``.
    :param fields: names, for text fields, or ``{"name", "type", "options", "property", "description"}``; the first is
        the primary field.
    :param if_exists: ``fail`` when the base has a table of that name; ``skip`` takes it when its fields have these
        names and types.
    """

    lineage = "writes"
    template_fields: Sequence[str] = (*BitableOperator.template_fields, "table_name", "fields")
    template_fields_renderers: ClassVar[dict[str, str]] = {"fields": "json"}

    def __init__(
        self,
        *,
        table_name: str,
        fields: Sequence[Mapping[str, Any] | str] | str,
        if_exists: Literal["fail", "skip"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table_name = table_name
        self.fields = fields
        self.if_exists = if_exists

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.table_design import ensure_table

        place = opened.place
        fields = read_list(self.fields, "fields") or ()
        made = ensure_table(opened.client, place.app_token, self.table_name, fields, if_exists=self.if_exists)
        self.table_place = replace(place, table_id=made.id, given=_join(place.given, self.table_name))
        return {"created": int(made.created)}


class BitableDeleteTableOperator(BitableTableOperator):
    """Deletes a table with all its records and returns ``{"deleted": 1 or 0}``.

    :param if_missing: ``fail`` when there is no such table, or ``skip``.
    """

    lineage = "writes"

    def __init__(self, *, if_missing: Literal["fail", "skip"] = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_missing = if_missing

    def _find(self, hook: LarkHook, client: LarkClient) -> TablePlace:
        try:
            return super()._find(hook, client)
        except NotFound:
            if self.if_missing == "fail":
                raise
        # where the base is not there either, that is said
        base = replace(self._address(hook), table="", table_id="")
        return TablePlace(hook.settings.host, client.bitable.locate_base(base), given=base.label)

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.table_design import drop_table

        place = opened.place
        if not place.table_id:
            return {"deleted": 0}
        try:
            drop_table(opened.client, place.app_token, place.table_id)
        except NotFound:
            if self.if_missing == "fail":
                raise
            return {"deleted": 0}
        return {"deleted": 1}


class BitableCreateFieldOperator(BitableTableOperator):
    """Creates a field and returns ``{"field_id", "created": 1 or 0}``.

    :param field: a name, for a text field, or ``{"name", "type", "options", "property", "description"}``.
    :param if_exists: ``fail`` when the table has a field of that name; ``skip`` takes one of the same type.
    """

    template_fields: Sequence[str] = (*BitableTableOperator.template_fields, "field")
    template_fields_renderers: ClassVar[dict[str, str]] = {"field": "json"}

    def __init__(
        self, *, field: Mapping[str, Any] | str, if_exists: Literal["fail", "skip"] = "fail", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.field = field
        self.if_exists = if_exists

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.table_design import ensure_field
        from airflow_provider_lark.core.transfer.batch_tokens import batch_token

        place = opened.place
        made = ensure_field(
            opened.table,
            _read_definition(self.field, "field"),
            if_exists=self.if_exists,
            client_token=batch_token(token_seed(opened.context, place), 0, self.field),
        )
        return {"field_id": made.id, "created": int(made.created)}


class BitableUpdateFieldOperator(BitableTableOperator):
    """Changes a field and returns ``{"field", "updated": 1 or 0}``; what is not named stays.

    Options keep their ids, and with them the cells, by their names; options that are not named again are removed.

    :param field: its name or id.
    :param changes: ``{"name", "type", "options", "property", "description"}``, what is to change.
    """

    template_fields: Sequence[str] = (*BitableTableOperator.template_fields, "field", "changes")
    template_fields_renderers: ClassVar[dict[str, str]] = {"changes": "json"}

    def __init__(self, *, field: str, changes: Mapping[str, Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field
        self.changes = changes

    def _run(self, opened: OpenedTable) -> dict[str, Any]:
        from airflow_provider_lark.core.lark_side.table_design import change_field

        changes = read_json(self.changes, "changes")
        if not isinstance(changes, Mapping):
            raise ConfigError(f"changes: expected a dictionary, found {type(changes).__name__}")
        field, changed = change_field(opened.table, self.field, changes)
        return {"field": describe_field(field), "updated": int(changed)}


def describe_field(field: Field, *, with_property: bool = False) -> dict[str, Any]:
    """Return what a field is, as plain data."""
    told = {
        "field_id": field.field_id,
        "name": field.name,
        "type": int(field.type),
        "type_name": field.type_label,
        "is_primary": field.is_primary,
        "is_read_only": field.is_read_only,
    }
    return {**told, "property": dict(field.property)} if with_property else told


def _read_definition(value: Any, where: str) -> Mapping[str, Any] | str:
    definition: Mapping[str, Any] | str = (
        read_json(value, where) if isinstance(value, str) and value.lstrip().startswith("{") else value
    )
    return definition


def _join(base: str, table: str) -> str:
    return base if "://" in base else f"{base}:{table}"
