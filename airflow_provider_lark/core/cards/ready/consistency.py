"""Whether both sides of a mapping agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.languages import Locale, Localized, Text, combine, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    bullets,
    buttons,
    fact_rows,
    frame_card,
    name,
    people,
    red_count,
    remark,
    span,
)
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier

_KEYS_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class ConsistencyFacts(Origin):
    """What a check of both sides found; the names are those of the report that the check's operator returns.

    :param samples: some keys by kind of difference.
    """

    mapping: str
    in_step: bool
    rows_lark: int = 0
    rows_sql: int = 0
    equal: int = 0
    different: int = 0
    only_lark: int = 0
    only_sql: int = 0
    pending: int = 0
    seconds: float | None = None
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    table_url: str | None = None


def read_check_report(report: Mapping[str, Any], **origin: Any) -> ConsistencyFacts:
    """Return the facts of *report*: what the check's operator returns, as it stands in XCom."""
    names = (
        "mapping", "in_step", "rows_lark", "rows_sql", "equal", "different", "only_lark", "only_sql", "pending",
        "seconds", "samples",
    )  # fmt: skip
    return ConsistencyFacts(**{name: report[name] for name in names if report.get(name) is not None}, **origin)


_KINDS: dict[str, Localized] = {
    "different": localize(en_us="Different", zh_cn="不一致"),
    "only_lark": localize(en_us="Only in Lark", zh_cn="仅飞书有"),
    "only_sql": localize(en_us="Only in SQL", zh_cn="仅数据库有"),
    "pending": localize(en_us="Still waiting", zh_cn="等待同步"),
}


def consistency_card(facts: ConsistencyFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return how both sides compare: green when they are in step, else red with some keys of each difference."""
    most = _KEYS_NAMED if facts.samples else 0
    return fit(facts, lambda known, keys: _consistency_card(known, keys, locale), most=most, carrier=carrier)


def _consistency_card(facts: ConsistencyFacts, keys: int, locale: Locale | None) -> Json:
    differing = facts.different + facts.only_lark + facts.only_sql
    if facts.in_step:
        word: Text = localize(en_us="both sides agree", zh_cn="两侧一致")
    else:
        word = localize(
            en_us=f"{differing:,} {'row differs' if differing == 1 else 'rows differ'}", zh_cn=f"{differing:,} 行不一致"
        )
    title = combine(lambda text: f"{facts.mapping}: {text}", word)
    counts = {"different": facts.different, "only_lark": facts.only_lark, "only_sql": facts.only_sql}
    seen: list[tuple[Text, Text | Element | None]] = [
        (localize(en_us="In Lark", zh_cn="飞书记录"), f"{facts.rows_lark:,}"),
        (localize(en_us="In SQL", zh_cn="数据库行"), f"{facts.rows_sql:,}"),
        (localize(en_us="Equal", zh_cn="一致"), f"{facts.equal:,}"),
        *[(_KINDS[kind], red_count(count)) for kind, count in counts.items()],
        (_KINDS["pending"], f"{facts.pending:,}" if facts.pending else None),
        (words.TOOK, span(facts.seconds)),
        (words.DAG, name(facts.dag_id)),
        (words.RUN, name(facts.run_id)),
    ]
    elements = [
        *fact_rows(seen),
        *_samples(facts, keys, counts),
        people(facts) if not facts.in_step else None,
        remark(facts),
        buttons(facts, [(words.OPEN_TABLE, facts.table_url)]),
    ]
    return frame_card(Frame(title, "green" if facts.in_step else "red", title), elements, locale)


def _samples(facts: ConsistencyFacts, keys: int, counts: Mapping[str, int]) -> Iterator[Element]:
    for kind, named in facts.samples.items():
        if named and keys:
            shown = named[:keys]
            yield from bullets(_KINDS.get(kind, kind), shown, counts.get(kind, len(named)) - len(shown))
