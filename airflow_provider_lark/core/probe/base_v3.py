"""What of base/v3 answers this app, and whether revisions tell of changes (questions of lark-api)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import BASES, Answer, Scratch, ScratchTable

_MOVES = Question("§4.7", "Does the revision of a table move with every edit of a record?")
_OTHERS = Question("§4.7", "Does it stay when another table of the base is edited?")
_SERVED = Question("§4.10", "Does base/v3 show pages of records?", "v3_records")
_LIMIT = Question("§4.10", "How many records may such a page have?", "v3_page_max")
_TIMES = Question("§4.10", "How does it show a moment that has milliseconds?", "v3_times")
_REV = Question("§4.10", "Does it tell a revision, and does an edit move it?", "v3_rev")
_HISTORY = Question("§4.7", "Does base/v3 tell who changed a record?")
_WORKFLOWS = Question("§11.15", "Does base/v3 answer for automations?", "serves_workflows")

_V3 = "/open-apis/base/v3/bases"
_LIMITS = (2000, 500, 200)
_NOT_SERVED = {99991201: "missing", 91403: "forbidden", 5000: "failing"}
_MOMENT_MS = 1_767_240_000_123
_SHOWN = (
    (re.compile(r".*:\d\d\.123(Z|[+-]\d\d:\d\d)"), "milliseconds"),
    (re.compile(r".*T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"), "zoned"),
    (re.compile(r"[0-9-]{10} \d\d:\d\d:\d\d"), "seconds"),
)


def revisions(scratch: Scratch) -> Iterator[Finding]:
    """Edit one table, and look at the revisions of two."""
    edited, other = scratch.table("Edited"), scratch.table("Other")
    (record,) = edited.add({"Name": "a"})
    before = _revisions(scratch)
    if edited.table_id not in before:
        yield _MOVES.answered("tables have no revision")
        return
    seen = [before[edited.table_id]]
    for text in ("b", "c"):
        edited.update(record, {"Name": text})
        seen.append(_revisions(scratch)[edited.table_id])
    yield _MOVES.answered("yes" if seen == sorted(set(seen)) else "no")
    yield _OTHERS.answered("yes" if _revisions(scratch)[other.table_id] == before[other.table_id] else "no")


def newer_paths(scratch: Scratch) -> Iterator[Finding]:
    """Ask for the history of records, and for automations."""
    table = scratch.table("Newer")
    (record,) = table.add({"Name": "a"})
    history = scratch.ask(
        "GET",
        f"{_V3}/{scratch.app_token}/record_history",
        query={"table_id": table.table_id, "record_id": record, "page_size": 30},
    )
    told = f"code {history.code}" if history.code else f"yes, with the members {', '.join(sorted(history.data))}"
    yield _HISTORY.answered(told)
    listed = scratch.ask("POST", f"{_V3}/{scratch.app_token}/workflows/list", json={})
    yield _WORKFLOWS.answered(f"code {listed.code}" if listed.code else "yes", not listed.code)


def pages(scratch: Scratch) -> Iterator[Finding]:
    """Ask for pages of records."""
    table = scratch.table("Matrix", {"field_name": "When", "type": 5})
    (record,) = table.add({"Name": "a", "When": _MOMENT_MS})
    limit, answer = _largest(scratch, table)
    if answer.code:
        yield _SERVED.answered(f"code {answer.code}", _NOT_SERVED.get(answer.code))
        return
    yield _SERVED.answered(f"yes, with the members {', '.join(sorted(answer.data))}", "served")
    yield _LIMIT.answered(f"{limit}", limit)
    shown = str(answer.data["data"][0][answer.data["fields"].index("When")])
    yield _TIMES.answered(f"as {shown!r}", next((name for form, name in _SHOWN if form.fullmatch(shown)), None))
    before = answer.data.get("rev")
    table.update(record, {"Name": "b"})
    after = _page(scratch, table, limit).data.get("rev")
    moves = "it moves" if before != after else "it does not move"
    if not before:
        yield _REV.answered("no" if before is None else f"it is {before!r}", "absent" if before is None else "zero")
    else:
        yield _REV.answered(f"yes, and {moves}", "told" if before != after else None)


def _largest(scratch: Scratch, table: ScratchTable) -> tuple[int, Answer]:
    for limit in _LIMITS:
        answer = _page(scratch, table, limit)
        if not answer.code:
            break
    return limit, answer


def _page(scratch: Scratch, table: ScratchTable, limit: int) -> Answer:
    path = f"{_V3}/{scratch.app_token}/tables/{table.table_id}/records"
    return scratch.ask("GET", path, query={"offset": 0, "limit": limit})


def _revisions(scratch: Scratch) -> dict[str, int]:
    listed = scratch.ask("GET", f"{BASES}/{scratch.app_token}/tables", query={"page_size": 100})
    tables = listed.data.get("items") or []
    return {each["table_id"]: each["revision"] for each in tables if isinstance(each.get("revision"), int)}
