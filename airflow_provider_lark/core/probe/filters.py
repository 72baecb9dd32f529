"""What filters find (questions of lark-api)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from airflow_provider_lark.core.probe.finding import Finding, Question
from airflow_provider_lark.core.probe.scratch import Scratch, condition, options_of

_DAY = Question("§4.4", "Does isGreater with a day find moments of that day?", "greater_excludes_day")
_RANGE = Question("§4.2", "What does isGreaterEqual with a day answer?", "date_range_operators")
_UNKNOWN = Question("§11.10", "What does a filter on a field that is not there answer?", "unknown_filter_field")
_BLANKS = Question("§4.3", "Are texts found that begin or end with a blank, or hold a line end?", "odd_texts_match")
_SEVERAL = Question("§4.3", "Does contains with several options find records that have one of them?", "contains_all")
_BOTH = Question("§4.1", "Do a filter's own conditions count beside its children?", "conditions_beside_children")

_REFUSED = 1254018


def days(scratch: Scratch) -> Iterator[Finding]:
    """Try the two operators whose meaning for days no source settles."""
    table = scratch.table("Days", {"field_name": "When", "type": 5})
    midnight = datetime(2026, 3, 2, tzinfo=scratch.zone)
    day_ms = _ms(midnight)
    noon, next_day = table.add({"When": _ms(midnight + timedelta(hours=12))}, {"When": day_ms + 26 * 3_600_000})
    code, found = table.found(condition("When", "isGreater", "ExactDate", str(day_ms)))
    if code or next_day not in found:
        yield _DAY.open(f"isGreater was answered with code {code}, and the day after was not found")
    else:
        yield _DAY.answered("yes" if noon in found else "no, only later days", noon not in found)
    code, found = table.found(condition("When", "isGreaterEqual", "ExactDate", str(day_ms)))
    if code == _REFUSED:
        yield _RANGE.answered(f"code {code}", "error")
    elif not code and not found:
        yield _RANGE.answered("success, and no record", "empty")
    else:
        yield _RANGE.answered(f"code {code}, and {len(found)} of 2 records")


def unknown_field(scratch: Scratch) -> Iterator[Finding]:
    """Filter by a name that no field has."""
    table = scratch.table("Unknown")
    table.add({"Name": "a"})
    code, found = table.found(condition("Nmae", "is", "a"))
    if code:
        yield _UNKNOWN.answered(f"code {code}", "error")
    else:
        yield _UNKNOWN.answered(f"success, and {len(found)} of 1 record", "empty" if not found else None)


def odd_texts(scratch: Scratch) -> Iterator[Finding]:
    """Look for texts that a careless comparison would miss."""
    table = scratch.table("Texts")
    odd = ("a ", " b", "c\nd")
    ids = table.add(*({"Name": text} for text in odd))
    hits = [id_ in table.found(condition("Name", "is", text))[1] for id_, text in zip(ids, odd, strict=True)]
    told = ", ".join(f"{text!r} {'found' if hit else 'not found'}" for text, hit in zip(odd, hits, strict=True))
    yield _BLANKS.answered(told, all(hits) if len(set(hits)) == 1 else None)


def several_options(scratch: Scratch) -> Iterator[Finding]:
    """Look for two options, of which one record has one."""
    table = scratch.table("Options", {"field_name": "Tags", "type": 4})
    one, both = table.add({"Tags": ["x"]}, {"Tags": ["x", "y"]})
    for wanted in ([str(option["id"]) for option in options_of(table.field("Tags"))], ["x", "y"]):
        # options are named by their ids in some pages, by their names in others
        code, found = table.found(condition("Tags", "contains", *wanted))
        if not code and found:
            break
    if code or both not in found:
        yield _SEVERAL.open(f"contains was answered with code {code} and {len(found)} records")
    else:
        yield _SEVERAL.answered("yes" if one in found else "no, only records that have all", one not in found)


def children(scratch: Scratch) -> Iterator[Finding]:
    """Give a filter conditions and children."""
    table = scratch.table("Children", {"field_name": "Kind", "type": 1})
    table.add({"Name": "a", "Kind": "k"}, {"Name": "b", "Kind": "k"}, {"Name": "a", "Kind": "other"})
    own, child = condition("Name", "is", "a"), condition("Kind", "is", "k")
    code, found = table.found({**own, "children": [child]})
    if code or len(found) not in (1, 2):
        yield _BOTH.open(f"code {code}, and {len(found)} of 3 records")
    else:
        yield _BOTH.answered("yes" if len(found) == 1 else "no, the children alone", len(found) == 1)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
