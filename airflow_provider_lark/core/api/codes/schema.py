"""Codes of bases, tables, views and fields themselves; those of records are in :mod:`.general`."""

from __future__ import annotations

from airflow_provider_lark.core.api.codes.meaning import REPORT, Meaning
from airflow_provider_lark.core.errors import BadRequest, NotFound

_ROOM = "delete what is no longer needed, or use another one"

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
    800010701: Meaning(BadRequest, "Lark rejected a part of the request", "check the part that it names"),
    800004006: Meaning(BadRequest, "Lark misses a part of the request, or cannot use it", "check the part it names"),
    1254000: Meaning(BadRequest, "Lark cannot parse the request's JSON", REPORT),
    1254001: Meaning(BadRequest, "the request body does not have the expected form", REPORT),
    1254006: Meaning(BadRequest, "a record_id is malformed", "use a record_id (rec…)"),
    1254007: Meaning(BadRequest, "a required value is empty", "check the request's parameters"),
    1254008: Meaning(BadRequest, "the view is empty", "check the view_id"),
    1254010: Meaning(BadRequest, "Lark cannot convert the request", "check the values against the field types"),
    1254011: Meaning(
        BadRequest, "the page_size is out of range", "use at most 500 for records, 100 for tables or fields"
    ),
    1254005: Meaning(NotFound, "the view_id is malformed", "it is the part after &view= in the address"),
    1254012: Meaning(BadRequest, "this type of field or view cannot be used here", "choose another type"),
    1254013: Meaning(BadRequest, "the base already has a table with this name", "choose another name"),
    1254014: Meaning(BadRequest, "the table already has a field with this name", "choose another name"),
    1254019: Meaning(BadRequest, "the view type is invalid", "use grid, kanban, gallery, gantt or form"),
    1254020: Meaning(BadRequest, "the table already has a view with this name", "choose another name"),
    1254021: Meaning(BadRequest, "the view has no name", "give it a name"),
    1254022: Meaning(BadRequest, "the view's name is not allowed", "choose another name"),
    1254023: Meaning(BadRequest, "the last view of a table cannot be deleted", "create another one first"),
    1254025: Meaning(BadRequest, "the copy request is invalid", "check the request's parameters"),
    1254026: Meaning(BadRequest, "an option has no name", "give it a name"),
    1254028: Meaning(BadRequest, "a field has no name", "give it a name"),
    1254029: Meaning(BadRequest, "a field's name is not allowed", "choose another name"),
    1254031: Meaning(BadRequest, "the base's name is not allowed", "use 1 to 255 characters"),
    1254032: Meaning(BadRequest, "the role's name is not allowed", "choose another name"),
    1254033: Meaning(BadRequest, "the base already has a role with this name", "choose another name"),
    1254034: Meaning(BadRequest, "the last table of a base cannot be deleted", "create another one first"),
    1254046: Meaning(BadRequest, "the primary field cannot be deleted", "rename it or delete the table"),
    1254047: Meaning(NotFound, "the role does not exist", "list the base's roles"),
    1254048: Meaning(NotFound, "the role does not have this member", "list the role's members"),
    1254049: Meaning(NotFound, "the form does not have this question", "list the form's questions"),
    1254100: Meaning(BadRequest, "the base has the maximum number of tables", _ROOM),
    1254101: Meaning(BadRequest, "the table has the maximum number of views", _ROOM),
    1254102: Meaning(BadRequest, "the folder is full", _ROOM),
    1254105: Meaning(
        BadRequest, "the table has the maximum number of fields", "at most 300 fields are allowed, 100 of them formulas"
    ),
    1254106: Meaning(BadRequest, "too many attachments in a cell", "at most 100 are allowed"),
    1254109: Meaning(BadRequest, "the table is too large for a formula", _ROOM),
    1254110: Meaning(BadRequest, "the base has the maximum number of roles", _ROOM),
    1254111: Meaning(BadRequest, "the role has the maximum number of members", _ROOM),
    1254606: Meaning(BadRequest, "nothing would change", "skip the call"),
    1254701: Meaning(NotFound, "the app may not use the folder", "share the folder with the app"),
    1254702: Meaning(NotFound, "the folder does not exist", "check the folder_token"),
    1254800: Meaning(BadRequest, "a parameter is invalid", "check name, time_zone and folder_token"),
}
SCHEMA_MEANINGS |= {
    code: Meaning(BadRequest, "a field group or a form is invalid", "check it against the table's fields")
    for code in range(1254114, 1254129)
}
SCHEMA_MEANINGS |= {
    code: Meaning(
        BadRequest, f"the property of a field of type {name} is invalid", "compare it with the result of list_fields"
    )
    for code, name in _PROPERTIES.items()
}
