"""What of base/v3 answers this app, and whether revisions tell of changes (questions of lark-api)."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import BASES, Scratch, ScratchTable

_MOVES = Question("§4.7", "Does the revision of a table move with every edit of a record?")
_OTHERS = Question("§4.7", "Does it stay when another table of the base is edited?")
_RECORDS = Question("§4.7", "How many records does one call of base/v3 return?")
_HISTORY = Question("§4.7", "Does base/v3 tell who changed a record?")
_WORKFLOWS = Question("§11.15", "Does base/v3 answer for automations?", "serves_workflows")

_V3 = "/open-apis/base/v3/bases"
_LIMITS = (2000, 500, 200)


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
    """Ask for records, their history, and automations."""
    table = scratch.table("Newer")
    (record,) = table.add({"Name": "a"})
    yield _records(scratch, table)
    history = scratch.ask(
        "GET",
        f"{_V3}/{scratch.app_token}/record_history",
        query={"table_id": table.table_id, "record_id": record, "page_size": 30},
    )
    told = f"code {history.code}" if history.code else f"yes, with the members {', '.join(sorted(history.data))}"
    yield _HISTORY.answered(told)
    listed = scratch.ask("POST", f"{_V3}/{scratch.app_token}/workflows/list", json={})
    yield _WORKFLOWS.answered(f"code {listed.code}" if listed.code else "yes", not listed.code)


def _records(scratch: Scratch, table: ScratchTable) -> Finding:
    refused = []
    for limit in _LIMITS:
        path = f"{_V3}/{scratch.app_token}/tables/{table.table_id}/records"
        answer = scratch.ask("GET", path, query={"offset": 0, "limit": limit})
        if not answer.code:
            return _RECORDS.answered(f"{limit}, with the members {', '.join(sorted(answer.data))}")
        refused.append(f"{limit}: code {answer.code}")
    return _RECORDS.answered(f"none ({', '.join(refused)})")


def _revisions(scratch: Scratch) -> dict[str, int]:
    listed = scratch.ask("GET", f"{BASES}/{scratch.app_token}/tables", query={"page_size": 100})
    tables = listed.data.get("items") or []
    return {each["table_id"]: each["revision"] for each in tables if isinstance(each.get("revision"), int)}
