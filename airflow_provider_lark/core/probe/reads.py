"""Pages, order and limits of reads (questions of lark-api)."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import Scratch, items

_UNSORTED = Question("§2.4", "In which order does a search without sort come?", "unsorted")
_SORT = Question("§11.3", "Does a sort by the modification time heed milliseconds?", "sort_ms_exact")
_PAGE = Question("§11.5", "What does a page_size above 500 answer?", "oversize_page")
_BIND = Question("§2.4", "Is a page_token refused when page_size changes?", "page_token_binds_page_size")
_TOKEN = Question("§2.4", "With which code is a page_token refused that is none?", "bad_page_token_code")
_BATCH = Question("§11.5", "With which code is a batch over its limit refused?", "oversize_code")

_EDITS = 8


def order(scratch: Scratch) -> Iterator[Finding]:
    """Search as records lie, and by the time of quick edits."""
    table = scratch.table("Order", {"field_name": "Modified", "type": 1002})
    ids = [table.add({"Name": str(number)})[0] for number in range(_EDITS)]
    found = [record["record_id"] for record in items(table.search())]
    if found in (ids, ids[::-1]):
        told = "oldest_first" if found == ids else "newest_first"
        yield _UNSORTED.answered(told.replace("_", " "), told)
    else:
        yield _UNSORTED.answered("neither by age nor the other way round")
    # edits in another order than that of creation, several within a second
    edited = ids[::2] + ids[1::2]
    for id_ in edited:
        table.update(id_, {"Name": "edited"})
    moments = {id_: table.modified_ms(id_) for id_ in edited}
    seconds = [(moment or 0) // 1000 for moment in moments.values()]
    if len(set(seconds)) == len(seconds) or None in moments.values():
        yield _SORT.open("no two edits came within one second")
        return
    answer = table.search(sort=[{"field_name": "Modified", "desc": True}])
    sorted_ = [record["record_id"] for record in items(answer)]
    exact = sorted_ == sorted(edited, key=lambda id_: moments[id_] or 0, reverse=True)
    yield _SORT.answered("yes" if exact else "no", exact)


def pages(scratch: Scratch) -> Iterator[Finding]:
    """Ask for pages that are too large, and go on with tokens that do not fit."""
    table = scratch.table("Pages")
    ids = table.add(*({"Name": str(number)} for number in range(6)))
    large = table.search(size=501)
    if large.code in (1254011, 99992402):
        yield _PAGE.answered(f"code {large.code}", str(large.code))
    else:
        yield _PAGE.answered(f"code {large.code}", None if large.code else "clamp")
    token = table.search(size=2).data.get("page_token")
    if not isinstance(token, str):
        yield _BIND.open("the first page has no page_token")
    else:
        other = table.ask("POST", "records/search", json={}, query={"page_size": 3, "page_token": token})
        yield _BIND.answered(f"code {other.code}" if other.code else "no", bool(other.code))
    bad = table.ask("POST", "records/search", json={}, query={"page_size": 2, "page_token": "none"})
    yield _TOKEN.answered(f"code {bad.code}", bad.code) if bad.code else _TOKEN.open("it is not refused")
    many = [f"{ids[0][:-4]}{number:04}" for number in range(101)]
    batch = table.ask("POST", "records/batch_get", json={"record_ids": many})
    if batch.code:
        yield _BATCH.answered(f"batch_get of 101 records: code {batch.code}", batch.code)
    else:
        yield _BATCH.open("batch_get of 101 records is not refused")
