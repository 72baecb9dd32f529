"""The card that stands for all failures of a run or a task, from what is noted of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.alerts.news import Alert, TaskState
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.services.messaging.content import Content
from airflow_provider_lark.core.cards.card import HeaderTemplate
from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.markdown_card import markdown_card
from airflow_provider_lark.core.cards.ready import run, task
from airflow_provider_lark.core.errors import BadRequest
from airflow_provider_lark.notifications.occasion_cards import shorten_text, shorten_title

if TYPE_CHECKING:
    from airflow_provider_lark.core.cards.component import Json

_MARKDOWN_BYTES = 20_000

_TASK_CARDS = {
    "failed": task.task_failed_card,
    "retrying": task.task_retrying_card,
    "recovered": task.task_succeeded_card,
}


def alert_card(alert: Alert, mentions: tuple[str, ...], *, with_exception: bool = True) -> Json:
    """Return the ready card for *alert*: of one task while it is about one, else of the run.

    :param mentions: open_ids; of what has recovered, or is tried again, nobody is notified.
    """
    look = alert.facts.get("look", {})
    given = {name: look[name] for name in ("note", "runbook_url") if look.get(name)}
    if color_of(alert) == "red":
        given["mentions"] = mentions
    lead = alert.leading
    is_of_one = lead is not None and alert.instances == 1 and alert.run_state is None
    facts = _task_facts(alert) if is_of_one else _run_facts(alert)
    if not with_exception:
        facts.pop("exception", None)
    if lead is not None and is_of_one:
        return _TASK_CARDS[lead.state](_fill(task.TaskFacts, {**facts, **given}), locale=look.get("locale"))
    make = run.run_succeeded_card
    if alert.is_red:
        make = run.run_failed_card if alert.has_failed_run else run.run_troubled_card
    return make(_fill(run.RunFacts, {**facts, **given}), locale=look.get("locale"))


def has_own_card(alert: Alert) -> bool:
    """Tell whether the author has said what the card shows."""
    look = alert.facts.get("look", {})
    return bool(look.get("markdown") or look.get("card"))


def own_card(alert: Alert, mentions: tuple[str, ...]) -> Content:
    """Return what the author said, as it was last rendered.

    :raises BadRequest: Lark would refuse it, or could not put our own card in its place.
    """
    look = alert.facts["look"]
    card: Any = look.get("card")
    if said := look.get("markdown"):
        text = shorten_text(said, _MARKDOWN_BYTES, twice=True)
        title = shorten_title(str(look["title"])) if look.get("title") else None
        card = markdown_card(text, title=title, template=color_of(alert)).assemble()
    made = content.card(card, mentions=mentions if color_of(alert) == "red" else ())
    config = card.get("config")
    if made.form != "2.0" or (isinstance(config, Mapping) and config.get("update_multi") is False):
        raise BadRequest("a card that is to be updated must use JSON 2.0 and must not set update_multi to false")
    made.write()
    check_card(card)
    return made


def color_of(alert: Alert) -> HeaderTemplate:
    """Return ``red``, ``orange`` where all that failed is tried again, or ``green``."""
    if not alert.is_red:
        return "green"
    is_failed = alert.has_failed_run or any(each.state == "failed" for each in alert.groups)
    return "red" if is_failed else "orange"


def _task_facts(alert: Alert) -> dict[str, Any]:
    lead = alert.leading
    known: dict[str, Any] = {} if lead is None else {**lead.facts, "task_id": lead.task_id, "map_index": lead.map_index}
    return {**known, "dag_id": alert.place.dag_id, "run_id": alert.place.run_id, "red_seconds": alert.red_seconds}


def _run_facts(alert: Alert) -> dict[str, Any]:
    known = {name: value for name, value in alert.facts.items() if name not in ("look", "totals")}
    facts = {
        **known,
        "dag_id": alert.place.dag_id,
        "run_id": alert.place.run_id,
        "task_id": alert.place.task_id,
        "failures": _tasks(alert, "failed"),
        "retrying": _tasks(alert, "retrying"),
        "red_seconds": alert.red_seconds,
    }
    if alert.leading is not None:
        told = alert.leading.facts
        facts = {name: told[name] for name in ("owner", "runbook_url", "grid_url") if name in told} | facts
        if alert.is_red:
            facts |= {name: told[name] for name in ("exception", "log_url") if name in told}
    if not alert.is_red:
        facts.pop("reason", None)
    return facts


def _tasks(alert: Alert, state: TaskState) -> tuple[run.FailedTask, ...]:
    return tuple(
        run.FailedTask(
            task_id=each.task_id, failed=each.count, total=alert.totals.get(each.task_id), map_indexes=each.indexes
        )
        for each in alert.groups
        if each.state == state
    )


def _fill(kind: Any, facts: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in facts.items() if name in known and value is not None})
