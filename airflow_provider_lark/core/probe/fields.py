"""What becomes of fields, options and links (questions of lark-api)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import Scratch, ScratchTable, options_of

_DESCRIPTION = Question(
    "§2.2", "Does an update of a field without a description keep the old one?", "update_keeps_description"
)
_NAME = Question("§2.9", "How long may the name of a field be?", "max_field_name")
_FAR = Question("§3.1", "Does the far side of a deleted two-way link stay, as a one-way link?", "far_field_stays")
_DEAD = Question("§3.2", "Does a one-way link still show a record that was deleted?", "keeps_dead_links")
_EMPTY_LINKS = Question("§3.2", "How does a link cell read that holds nothing?", "empty_links")
_EMPTY_OPTION = Question("§3.4", "What does an empty text do in a single select?", "empty_option")
_TWICE = Question("§3.4", "What becomes of a new option that a multi-select names twice?", "repeated_options")
_URLS = Question("§3.2", "Is a web address in a text read as a segment of its own?", "splits_urls")

_LENGTHS = (100, 255, 1000)


def descriptions(scratch: Scratch) -> Iterator[Finding]:
    """Rename a field that has a description."""
    table = scratch.table("Descriptions")
    made = table.add_field({"field_name": "Note", "type": 1, "description": {"text": "kept?"}}).data["field"]
    renamed = table.ask("PUT", f"fields/{made['field_id']}", json={"field_name": "Notes", "type": 1})
    if renamed.code:
        yield _DESCRIPTION.open(f"the update was answered with code {renamed.code}")
        return
    kept = "kept?" in str(table.field("Notes").get("description"))
    yield _DESCRIPTION.answered("yes" if kept else "no", kept)


def long_names(scratch: Scratch) -> Iterator[Finding]:
    """Make fields with longer and longer names."""
    table = scratch.table("Names")
    taken, code = 0, 0
    for length in _LENGTHS:
        # a name that begins alike could be refused as doubled
        answer = table.add_field({"field_name": f"{length}".ljust(length, "x"), "type": 1})
        if answer.code:
            code = answer.code
            break
        taken = length
    told = f"{taken} characters are taken" + (f", {length} are code {code}" if code else "")
    yield _NAME.answered(told, taken) if taken else _NAME.open(f"{told}")


def links(scratch: Scratch) -> Iterator[Finding]:
    """Delete what links lead to, and one side of a two-way link."""
    target = scratch.table("Targets")
    table = scratch.table("Links", _link("One way", 18, target), _link("Both ways", 21, target))
    gone, kept = target.add({"Name": "gone"}, {"Name": "kept"})
    dead, alive, empty = table.add({"One way": [gone]}, {"One way": [kept]}, {"Name": "no link"})
    target.ask("DELETE", f"records/{gone}")
    read = table.read([dead, alive, empty])
    if _linked(read[alive]) != [kept]:
        yield _DEAD.open("links are not read as they were written")
    else:
        shown = _linked(read[dead]) == [gone]
        yield _DEAD.answered("yes" if shown else "no", shown)
    cells = read[empty]["fields"]
    if "One way" not in cells:
        yield _EMPTY_LINKS.answered("it is absent", "absent")
    else:
        yield _EMPTY_LINKS.answered(f"as {cells['One way']!r}", "empty" if cells["One way"] == {} else None)
    yield from _far_side(table, target)


def _far_side(table: ScratchTable, target: ScratchTable) -> Iterator[Finding]:
    both = table.field("Both ways")
    far = [each["field_id"] for each in target.fields() if each["type"] == 21]
    deleted = table.ask("DELETE", f"fields/{both['field_id']}")
    if deleted.code or not far:
        yield _FAR.open(f"the field was deleted with code {deleted.code}; {len(far)} two-way links in the far table")
        return
    left = [each for each in target.fields() if each["field_id"] in far]
    told = f"it stays, with type {left[0]['type']}" if left else "no"
    yield _FAR.answered(told, bool(left))


def options(scratch: Scratch) -> Iterator[Finding]:
    """Write an empty option, and a new one twice."""
    table = scratch.table("Choices", {"field_name": "One", "type": 3}, {"field_name": "Many", "type": 4})
    (record,) = table.add({"One": "a"})
    cleared = table.ask("PUT", f"records/{record}", json={"fields": {"One": ""}})
    if cleared.code:
        yield _EMPTY_OPTION.answered(f"code {cleared.code}", "error")
    else:
        now = table.read([record])[record]["fields"].get("One")
        yield _EMPTY_OPTION.answered(f"the cell reads {now!r} then", "clears" if not now else None)
    written = table.ask("PUT", f"records/{record}", json={"fields": {"Many": ["new", "new"]}})
    if written.code:
        yield _TWICE.open(f"code {written.code}")
        return
    count = sum(option["name"] == "new" for option in options_of(table.field("Many")))
    yield _TWICE.answered(f"{count} options of that name", {1: "merge", 2: "create"}.get(count))


def addresses(scratch: Scratch) -> Iterator[Finding]:
    """Write a text with a web address in it."""
    table = scratch.table("Addresses")
    table.add({"Name": "see https://example.com/a for more"})
    (record,) = table.search().data["items"]
    segments = record["fields"]["Name"]
    if not isinstance(segments, list):
        yield _URLS.open(f"a text reads as {type(segments).__name__}")
        return
    yield _URLS.answered(counted(len(segments), "segment"), len(segments) > 1)


def _link(name: str, type_: int, target: ScratchTable) -> dict[str, Any]:
    back = {"back_field_name": "Back"} if type_ == 21 else {}
    return {"field_name": name, "type": type_, "property": {"table_id": target.table_id, "multiple": True, **back}}


def _linked(record: dict[str, Any]) -> list[str]:
    cell = record["fields"].get("One way")
    return list(cell.get("link_record_ids") or []) if isinstance(cell, dict) else []
