"""Whether a view is there, and whether Lark heeds it: bases of an older kind return the whole table for any view."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import LarkError, NotFound, SchemaMismatch
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import LarkTable


def require_view(table: LarkTable, view: str, fields: Sequence[Field], *, where: str) -> str:
    """Return the id of a view that is there and that Lark heeds.

    :param view: its id or its name.
    :param where: the entry that names it, for messages.
    :raises SchemaMismatch: the table has no such view, or its base ignores views.
    """
    try:
        view_id = table.find_view(view)
        told = table.client.bitable.get_view(**table.ids, view_id=view_id)
    except NotFound as error:
        raise SchemaMismatch(f"{where}: the view {view!r} does not exist or cannot be read: {error.message}") from error
    name = [fields[0].name] if fields else None
    shown = table.first_page(name, page_size=1, view_id=view_id).total
    total = table.first_page(name, page_size=1).total
    if shown is not None and shown == total and (filter_ := _filter_of(told, fields)):
        _require_heeded(table, name, filter_, shown, f"{where}: view {view!r}")
    return view_id


def _require_heeded(
    table: LarkTable, names: Sequence[str] | None, filter_: Mapping[str, Any], shown: int, where: str
) -> None:
    """Ask for what the view's own filter selects: fewer records mean that the view was overlooked."""
    try:
        selected = table.first_page(names, page_size=1, filter=filter_).total
    except LarkError:
        # a view may filter in ways that a search cannot
        return
    if selected is not None and selected != shown:
        raise SchemaMismatch(
            f"{where}: Lark returns all {counted(shown, 'record')} of the table for it, although its filter selects "
            f"{selected:,}. Older bases ignore views; upgrade the base in Lark, or use filter instead of view"
        )


def _filter_of(told: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any] | None:
    """Return a view's filter as one of a search; None for a view without, or with one that has no such form."""
    info = (told.get("property") or {}).get("filter_info") or {}
    by_id = {field.field_id: field for field in fields}
    conditions = []
    for each in info.get("conditions") or ():
        field = by_id.get(each.get("field_id"))
        if field is None:
            continue
        try:
            values = json.loads(each.get("value") or "[]")
        except ValueError:
            return None
        # options stand there by id, and in a search by name
        names = {option.get("id"): option.get("name") for option in field.property.get("options") or ()}
        kept = [names.get(value, value) if isinstance(value, str) else value for value in values]
        conditions.append({"field_name": field.name, "operator": each.get("operator"), "value": kept})
    return {"conjunction": info.get("conjunction") or "and", "conditions": conditions} if conditions else None
