"""Texts for the person who clicked, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.questions.board import words
from airflow_provider_lark.core.questions.rules import Standing, Verdict, Vote
from airflow_provider_lark.core.questions.terms import Terms
from airflow_provider_lark.core.questions.values import Problem

ToastType = Literal["info", "success", "warning", "error"]

_NAMED = 3
_LONGEST = 40
_ENDING_MAX = 200
_ENDED = ("repeated", "answered", "expired", "replaced", "withdrawn")


def toast_for(terms: Terms, standing: Standing, verdict: Verdict, click_open_id: str) -> dict[str, Any]:
    """Return the toast of a verdict, as Lark takes it."""
    on_board = _toast_on_board(terms, standing, verdict) if terms.board else None
    told = _ending(terms, verdict) or on_board or _toast(terms, standing, verdict, click_open_id)
    return _as_lark_takes_it(*told)


def _as_lark_takes_it(kind: ToastType, text: Localized) -> dict[str, Any]:
    languages = dict(text.texts)
    return {"type": kind, "content": languages["en_us"], "i18n": languages}


LATER = _as_lark_takes_it(
    "info",
    localize(en_us="Received; in a moment the card shows whether it counts", zh_cn="已收到，卡片稍后会显示是否有效"),
)
"""The toast of a click that is kept, and decided later."""

UNKNOWN = {"en_us": "This question is not known any more", "zh_cn": "此问题已不存在"}

UNKNOWN_ON_CARD = _as_lark_takes_it("warning", localize(**UNKNOWN))
"""The toast of a click on a question that the database does not have."""


def say_in_centre(texts: Mapping[str, str]) -> dict[str, str]:
    """Return what the approval centre shows to the person, in both languages: it does not tell which one it needs."""
    return {"message": f"{texts['zh_cn']} {texts['en_us']}", "without_prefix": "true"}


def _toast_on_board(terms: Terms, standing: Standing, verdict: Verdict) -> tuple[ToastType, Localized] | None:
    """Return what is told otherwise about one of many things on a card; None: what is told about any."""
    if verdict.vote is not None:
        return "success", words.accepted(verdict.vote.choice)
    if verdict.reason == "outdated" and standing.state == "answered":
        return "warning", _answered(terms, standing)
    return ("warning", words.REFUSED[verdict.reason]) if verdict.reason in words.REFUSED else None


def _toast(terms: Terms, standing: Standing, verdict: Verdict, open_id: str) -> tuple[ToastType, Localized]:
    match verdict.reason:
        case "accepted":
            return _accepted(terms, verdict)
        case "repeated":
            mine = next(each for each in reversed(standing.votes) if each.open_id == open_id)
            at = clock_time(mine.at_ms, terms.time_zone)
            return "info", localize(en_us=f"Your answer was already recorded at {at}", zh_cn=f"您的回答已于 {at} 记录")
        case "voted":
            mine = next(each for each in reversed(standing.votes) if each.open_id == open_id)
            label = _label(terms, mine.choice)
            return "warning", localize(en_us=f"You have already answered: {label}", zh_cn=f"您已回答：{label}")
        case "answered":
            return "warning", _answered(terms, standing)
        case "not_allowed":
            return "error", _not_allowed(terms)
        case "invalid":
            return "error", _invalid(verdict.problems)
        case "other_message":
            return "error", localize(
                en_us="This is a copy of the card; answer on the original one", zh_cn="这是卡片的副本，请在原卡片上回答"
            )
        case reason:
            return "warning", _CLOSED[reason]


def _ending(terms: Terms, verdict: Verdict) -> tuple[ToastType, Localized] | None:
    """Return how it ended where the answer went, for somebody who comes afterwards."""
    if terms.ending is None or verdict.reason not in _ENDED:
        return None
    at = "" if terms.ended_at_ms is None else f" · {clock_time(terms.ended_at_ms, terms.time_zone)}"
    english, chinese = (terms.ending[language][:_ENDING_MAX] + at for language in ("en_us", "zh_cn"))
    return "warning", localize(en_us=english, zh_cn=chinese)


def _accepted(terms: Terms, verdict: Verdict) -> tuple[ToastType, Localized]:
    label = _label(terms, verdict.vote.choice) if verdict.vote is not None else ""
    if verdict.decision is None:
        return "success", localize(
            en_us=f"Recorded: {label}. More answers are needed" if label else "Recorded. More answers are needed",
            zh_cn=f"已记录：{label}，尚需其他人回答" if label else "已记录，尚需其他人回答",
        )
    passed_on = (f". It goes to {terms.relay} now", f"，正在转交 {terms.relay}") if terms.relay else ("", "")
    return "success", localize(
        en_us=(f"Recorded: {label}" if label else "Recorded") + passed_on[0],
        zh_cn=(f"已记录：{label}" if label else "已记录") + passed_on[1],
    )


def _answered(terms: Terms, standing: Standing) -> Localized:
    last = standing.votes[-1] if standing.votes else None
    if last is None:
        return localize(en_us="This has already been answered", zh_cn="此问题已有回答")
    who, at = last.name[:_LONGEST], clock_time(standing.closed_ms or last.at_ms, terms.time_zone)
    labels = dict(words.CHOICES[last.choice].texts) if terms.board and last.choice in words.CHOICES else {}
    label = _label(terms, last.choice) if terms.choices else ""
    english, chinese = labels.get("en_us", label), labels.get("zh_cn", label)
    return localize(
        en_us=f"Already answered by {who or 'somebody else'} at {at}{f': {english}' if english else ''}",
        zh_cn=f"已由{who or '他人'}于 {at} 回答{f'：{chinese}' if chinese else ''}",
    )


def _not_allowed(terms: Terms) -> Localized:
    names = [each[:_LONGEST] for each in dict.fromkeys((terms.allowed or {}).values()) if each]
    if not names:
        return localize(en_us="You are not among those who may answer", zh_cn="您无权回答此问题")
    shown, more = names[:_NAMED], len(names) - _NAMED
    rest = (f" and {more} more", f" 等 {len(names)} 人") if more > 0 else ("", "")
    return localize(
        en_us=f"You are not among those who may answer: {', '.join(shown)}{rest[0]}",
        zh_cn=f"您无权回答，仅限：{'、'.join(shown)}{rest[1]}",
    )


def _invalid(problems: Sequence[Problem]) -> Localized:
    first = problems[0]
    name = first.field.shown_name[:_LONGEST]
    rule = dict(first.rule.texts)
    return localize(en_us=f"{name} {rule['en_us']}", zh_cn=f"{name}{rule['zh_cn']}")


_CLOSED: dict[str, Localized] = {
    "expired": localize(en_us="Too late: the time to answer is over", zh_cn="已超过回答期限"),
    "replaced": localize(en_us="This was replaced by a newer question", zh_cn="此问题已被新问题取代"),
    "withdrawn": localize(en_us="This question is closed", zh_cn="此问题已关闭"),
    "no_choice": localize(en_us="This is not one of the answers", zh_cn="这不是可选的回答"),
}


def _label(terms: Terms, choice: str) -> str:
    known = terms.choice(choice)
    return (known.label if known is not None else choice)[:_LONGEST]


def clock_time(at_ms: int, time_zone: str) -> str:
    """Return a moment as people read it: ``12:03 (Asia/Shanghai)``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone)):%H:%M} ({time_zone})"


def name_of(vote: Vote) -> str:
    """Return what is shown for who answered, where no card can name them."""
    return vote.name or vote.open_id
