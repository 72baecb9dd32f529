"""Tokens, limits, and what moves the time of modification (questions of lark-api)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import Scratch, ids_of_version_1

_STRICT = Question("§11.4", "Must a client_token be a UUID of version 4?", "uuid_strict")
_SINGLE = Question("§11.4", "Does updating one record heed client_token?", "token_on_single_update")
_NOOP = Question("§11.8", "Does an update that changes nothing move the modification time?", "noop_update_touches")
_BACK = Question("§3.4", "Does the record at the far end of a new two-way link count as modified?", "back_link_touches")
_EMAIL = Question("§3.2", "What address has an app that created a record?", "app_email")
_LARGEST = Question("§2.5", "How many records may a batch_create carry? (batch_size of a mapping)", "batch_write_max")

_PAUSE_SECONDS = 1.1


def client_tokens(scratch: Scratch) -> Iterator[Finding]:
    """Send tokens of another version, and one token twice."""
    table = scratch.table("Tokens")
    body = {"fields": {"Name": "a"}}
    other = table.ask("POST", "records", json=body, query={"client_token": ids_of_version_1(1)})
    yield _STRICT.answered(f"yes, others are code {other.code}" if other.code else "no", bool(other.code))
    (record,) = table.add({"Name": "before"})
    token = scratch.new_token()
    for text in ("first", "second"):
        answer = table.ask("PUT", f"records/{record}", json={"fields": {"Name": text}}, query={"client_token": token})
    # one token with other content is refused, or answered as the first time, where it is heeded
    heeded = bool(answer.code) or "second" not in str(table.read([record])[record]["fields"].get("Name"))
    yield _SINGLE.answered("yes" if heeded else "no, the second update was carried out", heeded)


def touches(scratch: Scratch) -> Iterator[Finding]:
    """Write what is there already, and link from another table."""
    target = scratch.table("Touched")
    link = {"table_id": target.table_id, "multiple": True, "back_field_name": "Back"}
    table = scratch.table("Touching", {"field_name": "Link", "type": 21, "property": link})
    same, linked = target.add({"Name": "same"}, {"Name": "linked"})
    before = {id_: target.modified_ms(id_) for id_ in (same, linked)}
    if None in before.values():
        yield _NOOP.open("records do not say when they were modified")
        yield _BACK.open("records do not say when they were modified")
        return
    scratch.clock.sleep(_PAUSE_SECONDS)
    target.update(same, {"Name": "same"})
    table.add({"Link": [linked]})
    for question, id_ in ((_NOOP, same), (_BACK, linked)):
        moved = target.modified_ms(id_) != before[id_]
        yield question.answered("yes" if moved else "no", moved)


def authors(scratch: Scratch) -> Iterator[Finding]:
    """Look at who created a record that the app created."""
    table = scratch.table("Authors")
    (record,) = table.add({"Name": "a"})
    author: dict[str, Any] = table.read([record])[record].get("created_by") or {}
    if not author:
        yield _EMAIL.open("the record does not say who created it")
    elif "email" not in author:
        yield _EMAIL.answered("none: no member email", "absent")
    else:
        yield _EMAIL.answered("an empty one" if not author["email"] else "one", None if author["email"] else "empty")


def batches(scratch: Scratch) -> Iterator[Finding]:
    """Create more records at once than the documents agree on."""
    table = scratch.table("Batches")
    taken, told = 0, ""
    for count in (500, 1000):
        rows = [{"fields": {"Name": str(number)}} for number in range(count)]
        query = {"client_token": scratch.new_token()}
        answer = table.ask("POST", "records/batch_create", json={"records": rows}, query=query)
        if answer.code:
            told = f", {count} are code {answer.code}"
            break
        taken = count
    yield _LARGEST.answered(f"{taken} are taken{told}", taken or None)
