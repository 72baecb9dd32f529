"""What the card of a mapping says: what is over its limit, and since when; or for how long that was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_provider_lark.core.cards.card import HeaderTemplate
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.languages import Localized, Text, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.parts import VALUE_BYTES, Frame, fact_rows, frame_card, moment, shorten
from airflow_provider_lark.core.sync.health.limits import Kind, Trouble

_LABELS: dict[Kind, Localized] = {
    "pending": localize(en_us="Changes waiting", zh_cn="等待同步的变更"),
    "oldest": localize(en_us="Oldest change waiting", zh_cn="最久等待"),
    "failure_rate": localize(en_us="Failed within the hour", zh_cn="近一小时失败率"),
    "delay": localize(en_us="Mean delay within the hour", zh_cn="近一小时平均延迟"),
    "failed": localize(en_us="Failed rows", zh_cn="失败行"),
    "held": localize(en_us="Deletes held", zh_cn="暂缓删除"),
    "conflicts": localize(en_us="Open conflicts", zh_cn="待处理冲突"),
    "loops": localize(en_us="Rows in a loop", zh_cn="循环同步的行"),
    "silence": localize(en_us="Since the last good run", zh_cn="距上次成功运行"),
    "drift": localize(en_us="Rows that differ", zh_cn="不一致的行"),
}
_SINCE = localize(en_us="Since", zh_cn="开始时间")
_SPANS = frozenset({"oldest", "delay", "silence"})
_NEVER = localize(en_us="no run yet", zh_cn="尚未运行")


def red_card(mapping: str, troubles: Sequence[Trouble], *, since_ms: int) -> Json:
    """Return the card while something is wrong."""
    facts: list[tuple[Text, Text | Element | None]] = [(_LABELS[each.kind], _value(each)) for each in troubles]
    name = shorten(mapping, VALUE_BYTES)
    title = localize(en_us=f"Sync of {name} is not well", zh_cn=f"{name} 同步异常")
    return _card(title, "red", fact_rows([*facts, (_SINCE, _moment(since_ms))]))


def green_card(mapping: str, *, since_ms: int, until_ms: int) -> Json:
    """Return the card when it is over."""
    name = shorten(mapping, VALUE_BYTES)
    title = localize(en_us=f"Sync of {name} is well again", zh_cn=f"{name} 同步已恢复")
    facts = [(_SINCE, _moment(since_ms)), (words.WAS_RED, words.span((until_ms - since_ms) / 1000))]
    return _card(title, "green", fact_rows(facts))


def grey_card(mapping: str, *, since_ms: int) -> Json:
    """Return what takes the place of a red one when the mapping is no more."""
    name = shorten(mapping, VALUE_BYTES)
    title = localize(en_us=f"Sync of {name} was uninstalled", zh_cn=f"{name} 同步已卸载")
    return _card(title, "grey", fact_rows([(_SINCE, _moment(since_ms))]))


def trouble_words(trouble: Trouble) -> str:
    """Return a trouble in English, for a log or an error."""
    number, limit = (_figure(trouble.kind, each).choose("en_us") for each in (trouble.value, trouble.limit))
    return f"{_LABELS[trouble.kind].choose('en_us').lower()}: {number} (limit {limit})"


def _card(title: Localized, color: HeaderTemplate, elements: Sequence[Element | None]) -> Json:
    return frame_card(Frame(title, color, title), elements, None)


def _moment(ms: int) -> Element | None:
    return moment(datetime.fromtimestamp(ms / 1000, UTC))


def _value(trouble: Trouble) -> Localized:
    number, limit = _figure(trouble.kind, trouble.value), _figure(trouble.kind, trouble.limit)
    return localize(
        en_us=f"{number.choose('en_us')} (limit {limit.choose('en_us')})",
        zh_cn=f"{number.choose('zh_cn')}（阈值 {limit.choose('zh_cn')}）",
    )


def _figure(kind: Kind, number: float) -> Localized:
    if math.isinf(number):
        return _NEVER
    if kind in _SPANS:
        return words.span(number)
    text = f"{number * 100:.1f} %" if kind == "failure_rate" else f"{number:,.0f}"
    return localize(en_us=text, zh_cn=text)
