"""Codes of bases, tables, views and fields themselves; those of records are in :mod:`.general`."""

from __future__ import annotations

from airflow_provider_lark.core.api.codes.meaning import REPORT, Meaning
from airflow_provider_lark.core.errors import BadRequest, NotFound

_ROOM = "make room or use another one"

_PROPERTIES = {
    1254080: "Text",
    1254081: "Number",
    1254082: "SingleSelect",
    1254083: "MultiSelect",
    1254084: "DateTime",
    1254085: "Checkbox",
    1254086: "User",
    1254087: "Url",
    1254088: "Attachment",
    1254089: "SingleLink",
    1254090: "Lookup",
    1254091: "Formula",
    1254092: "DuplexLink",
    1254093: "CreatedTime",
    1254094: "ModifiedTime",
    1254095: "CreatedUser",
    1254096: "ModifiedUser",
}

SCHEMA_MEANINGS: dict[int, Meaning] = {
    1254000: Meaning(BadRequest, "Lark cannot read the request's JSON", REPORT),
    1254001: Meaning(BadRequest, "the request's body has not the form that Lark wants", REPORT),
    1254006: Meaning(BadRequest, "a record_id is malformed", "it begins with rec"),
    1254007: Meaning(BadRequest, "a value is empty that must not be", "check the request's members"),
    1254008: Meaning(BadRequest, "the view is empty", "check the view_id"),
    1254010: Meaning(BadRequest, "Lark cannot convert the request", "compare the values with the fields' types"),
    1254011: Meaning(BadRequest, "the page_size is out of range", "at most 500 records, 100 tables or fields"),
    1254005: Meaning(NotFound, "the view_id is malformed", "it stands in the address after &view="),
    1254012: Meaning(BadRequest, "this type of field or view cannot be used here", "choose another type"),
    1254013: Meaning(BadRequest, "the base has a table of that name already", "choose another name"),
    1254014: Meaning(BadRequest, "the table has a field of that name already", "choose another name"),
    1254019: Meaning(BadRequest, "the type of a view is not valid", "grid, kanban, gallery, gantt or form"),
    1254020: Meaning(BadRequest, "the table has a view of that name already", "choose another name"),
    1254021: Meaning(BadRequest, "the view has no name", "name it"),
    1254022: Meaning(BadRequest, "the view's name is not allowed", "choose another name"),
    1254023: Meaning(BadRequest, "the last view of a table cannot be deleted", "create another one first"),
    1254025: Meaning(BadRequest, "what is to be copied is not valid", "check the request's members"),
    1254026: Meaning(BadRequest, "an option has no name", "name it"),
    1254028: Meaning(BadRequest, "a field has no name", "name it"),
    1254029: Meaning(BadRequest, "a field's name is not allowed", "choose another name"),
    1254031: Meaning(BadRequest, "the base's name is not allowed", "write 1 to 255 characters"),
    1254032: Meaning(BadRequest, "the role's name is not allowed", "choose another name"),
    1254033: Meaning(BadRequest, "the base has a role of that name already", "choose another name"),
    1254034: Meaning(BadRequest, "the last table of a base cannot be deleted", "create another one first"),
    1254046: Meaning(BadRequest, "the primary field cannot be deleted", "rename it, or delete the table"),
    1254047: Meaning(NotFound, "there is no such role", "list the base's roles"),
    1254048: Meaning(NotFound, "the role has no such member", "list the role's members"),
    1254049: Meaning(NotFound, "the form has no such question", "list the form's questions"),
    1254100: Meaning(BadRequest, "the base is full of tables", _ROOM),
    1254101: Meaning(BadRequest, "the table is full of views", _ROOM),
    1254102: Meaning(BadRequest, "the folder is full", _ROOM),
    1254105: Meaning(BadRequest, "the table is full of fields", "at most 300, of which 100 formulas"),
    1254106: Meaning(BadRequest, "too many attachments in a cell", "at most 100"),
    1254109: Meaning(BadRequest, "the table is too large for a formula", _ROOM),
    1254110: Meaning(BadRequest, "the base is full of roles", _ROOM),
    1254111: Meaning(BadRequest, "the role is full of members", _ROOM),
    1254606: Meaning(BadRequest, "nothing would change", "leave the call out"),
    1254701: Meaning(NotFound, "the folder may not be used", "share the folder with the app"),
    1254702: Meaning(NotFound, "there is no such folder", "check the folder_token"),
    1254800: Meaning(BadRequest, "a parameter is not valid", "check name, time_zone and folder_token"),
}
SCHEMA_MEANINGS |= {
    code: Meaning(BadRequest, "a group of fields, or a form, is not valid", "compare it with the table's fields")
    for code in range(1254114, 1254129)
}
SCHEMA_MEANINGS |= {
    code: Meaning(BadRequest, f"the property of a field of type {name} is not valid", "compare it with list_fields")
    for code, name in _PROPERTIES.items()
}
