"""The chat of the team: a task of Airflow tells it of a sync, and the terminal shows what stands there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text
from world import TEAM, World

_COLORS = {"green": "green", "orange": "yellow", "red": "red"}
_CARD_WIDTH, _FACT_WIDTH = 78, 36


def make_dag(reports: Sequence[Mapping[str, Any]]) -> Any:
    """Return a DAG that sends each report of a sync as a card; Airflow's home must have been prepared.

    In a DAG of one's own the report is the output of the sync's task.
    """
    from airflow.sdk import DAG, chain

    from airflow_provider_lark.core.cards.ready.sync import read_sync_report, sync_card
    from airflow_provider_lark.operators.message import LarkSendMessageOperator

    with DAG("tell_team", schedule=None) as dag:
        cards = {
            str(report["mapping"]): sync_card(read_sync_report(report, dag_id="lark_incremental_sync"), locale="en_us")
            for report in reports
        }
        # one after the other, so that they stand in the chat in this order
        chain(*(LarkSendMessageOperator(task_id=f"tell_{name}", receive_id=TEAM, card=cards[name]) for name in cards))
    return dag


def draw_chat(world: World) -> RenderableType:
    """Return the cards of the chat, from the emulator's own state."""
    cards = [json.loads(message.content) for message in world.emulator.messages]
    return Padding(Group(*map(_draw_card, cards)), (0, 0, 0, 2), expand=False)


def _draw_card(card: Mapping[str, Any]) -> RenderableType:
    header = card["header"]
    texts = [header[name]["content"] for name in ("title", "subtitle") if name in header]
    body = Group(*(_draw_element(each) for each in card["body"]["elements"]))
    color = _COLORS.get(header.get("template", ""), "blue")
    title = Text(" · ".join(texts))
    return Panel(body, title=title, title_align="left", border_style=color, width=_CARD_WIDTH)


def _draw_element(element: Mapping[str, Any]) -> RenderableType:
    if element["tag"] == "column_set":
        facts = [": ".join(_text_of(each) for each in column["elements"]) for column in element["columns"]]
        return Columns([Text(fact) for fact in facts], width=_FACT_WIDTH)
    return Text(_text_of(element))


def _text_of(element: Mapping[str, Any]) -> str:
    return str(element.get("content") or element.get("text", {}).get("content", ""))
