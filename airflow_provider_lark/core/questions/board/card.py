"""From a board, and from who decided what on it, to the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from airflow_provider_lark.core.cards.buttons import Button, Callback, Confirm
from airflow_provider_lark.core.cards.card import Card, Header, HeaderTemplate
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import Div, Hr, Markdown, PersonList, note
from airflow_provider_lark.core.cards.languages import Text, combine, localize
from airflow_provider_lark.core.cards.layout import side_by_side
from airflow_provider_lark.core.cards.ready.fitting import largest
from airflow_provider_lark.core.cards.ready.parts import bullets, fact_rows, red_count
from airflow_provider_lark.core.cards.ready.words import OPEN_TABLE
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import bold, escape_markdown, local_time, mention, one_line, reachable_url
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.questions.board import words
from airflow_provider_lark.core.questions.board.state import Board, Item, Past, Shown
from airflow_provider_lark.core.questions.click import CHOICE, QUESTION
from airflow_provider_lark.core.questions.rules import Vote

ITEMS_MAX = 8
"""So many things to decide stand on a card at most; what is decided makes room for others."""

PAST_MAX = 5

_ITEMS_WANTED = 3
_PAST_BYTES = 6_000
_COLUMNS_SHOWN = 6
_VALUE_BYTES = 150
_KEY_BYTES = 80
_PAST_KEY_BYTES = 40
_PEOPLE_SHOWN = 10
_ID = "0" * 32


def fit_board(board: Board) -> Board:
    """Return *board* with as many of its items as a card takes, at most :data:`ITEMS_MAX`; held deletes come first.

    What is said of rows that failed gives way to what can be decided. Room is left for past decisions.
    """
    ordered = sorted(board.items, key=lambda each: each.kind == "conflict")[:ITEMS_MAX]
    wanted = min(len(ordered), _ITEMS_WANTED)
    for known in (board, replace(board, failed_rows=())):
        shown = largest(partial(_first, known, ordered), len(ordered), _fits)
        if shown is not None and len(shown.items) >= wanted:
            break
    count = 0 if shown is None else len(shown.items)
    return replace(known, items=tuple(ordered[:count]))


def _first(board: Board, items: Sequence[Item], count: int) -> Board:
    # ids are known when a question is asked, and all of them have one length
    return replace(board, items=tuple(replace(each, question_id=_ID) for each in items[:count]), past=())


def _fits(board: Board) -> bool:
    room = MESSAGE.less(_PAST_BYTES)
    return room.measure(board_card(board, {})) <= room.ready_bytes


def board_card(board: Board, votes: Mapping[str, Vote]) -> Json:
    """Return the card.

    :param votes: what was decided, by question.
    """
    facts: list[tuple[Text, Text | Element | None]] = [
        (words.CONFLICTS, red_count(board.conflicts)),
        (words.HELD, red_count(board.held)),
        (words.FAILED, red_count(board.failed)),
        (words.LAST_RUN, localize(en_us=board.written[0], zh_cn=board.written[1]) if board.written[0] else None),
    ]
    shown = sum(each.kind == "conflict" for each in board.items)
    elements: list[Element] = [
        *fact_rows(facts),
        *(part for item in board.items for part in _item(item, votes.get(item.question_id))),
        *([note(words.more_conflicts(board.conflicts - shown))] if board.conflicts > shown else []),
        *bullets(words.FAILED, board.failed_rows, board.failed - len(board.failed_rows)),
        *_past(board.past),
        *_link(board),
        *(_conditions(board) if board.items else []),
    ]
    title = words.title(_short(board.mapping), is_open=board.is_open, can_decide=bool(board.items or board.conflicts))
    color: HeaderTemplate = "orange" if board.is_open else "green"
    return Card(elements, Header(title, color), enable_forward=False, vertical_spacing="12px").assemble()


def _item(item: Item, vote: Vote | None) -> list[Element]:
    if item.kind == "conflict":
        heading, sides = words.conflict(_short(item.key)), fact_rows(_sides(item))
        choices = ("lark", "sql")
    else:
        heading = words.held(item.kind, item.count)
        keys = ", ".join(_short(each) for each in item.keys) + (" …" if item.count > len(item.keys) else "")
        sides = [Div(keys), note(words.kept(item.kind))]
        choices = ("release", "keep")
    below: Element = _decided(vote) if vote is not None else side_by_side(*(_button(item, each) for each in choices))
    return [Hr(), Markdown(combine(bold, heading)), *sides, below]


def _sides(item: Item) -> list[tuple[Text, Text | Element | None]]:
    sides: list[tuple[Text, Text | Element | None]] = []
    for side, label in (("lark", words.LARK), ("sql", words.SQL)):
        if item.gone is not None:
            told: Text = words.DELETED if item.gone == side else localize(en_us="changed", zh_cn="已修改")
        else:
            shown = item.columns[:_COLUMNS_SHOWN]
            lines = [_line(each, getattr(each, side)) for each in shown]
            more = len(item.columns) - len(shown)
            lines += [f"… +{more}"] if more else []
            told = combine(lambda *each: "\n".join(each), *lines) if lines else "…"
        sides.append((label, Div(told)))
    return sides


def _line(column: Shown, value: str | None) -> Text:
    name = cut_end(one_line(column.column), _KEY_BYTES)
    if column.is_hidden:
        return combine(lambda word: f"{name}: {word}", words.HIDDEN)
    if value is None:
        return combine(lambda word: f"{name}: {word}", words.EMPTY)
    return f"{name}: {cut_end(one_line(value), _VALUE_BYTES)}"


def _button(item: Item, choice: str) -> Button:
    deletes = choice == "release"
    return Button(
        words.CHOICES[choice],
        type="danger" if deletes else "default",
        behaviors=[Callback({QUESTION: item.question_id, CHOICE: choice})],
        confirm=Confirm(words.SURE, words.CANNOT_BE_UNDONE) if deletes else None,
    )


def _decided(vote: Vote) -> Markdown:
    label = words.CHOICES.get(vote.choice, vote.choice)
    who = _who(vote.open_id, vote.name)
    at = local_time(datetime.fromtimestamp(vote.at_ms / 1000, UTC))
    return Markdown(combine(lambda word, then: f"✅ {bold(word)} · {who} · {at} · {then}", label, words.NEXT_RUN))


def _past(past: Sequence[Past]) -> list[Element]:
    if not past:
        return []
    lines = [_past_line(each) for each in past[:PAST_MAX]]
    return [Hr(), note(words.DECIDED), Markdown(combine(lambda *each: "\n".join(each), *lines))]


def _past_line(past: Past) -> Text:
    what: Text = cut_end(one_line(past.key), _PAST_KEY_BYTES) if past.kind == "conflict" else words.HELD
    at = local_time(datetime.fromtimestamp(past.at_ms / 1000, UTC))
    sign = "↩️" if past.fate == "changed" else "✅"
    return combine(
        lambda about, label, fate: (
            f"{sign} {escape_markdown(about)}: {bold(label)} · {_who(past.open_id, past.name)} · {at} · {fate}"
        ),
        *(what, words.CHOICES.get(past.choice, past.choice), words.FATES.get(past.fate, past.fate)),
    )


def _who(open_id: str, name: str) -> str:
    return mention(open_id) if open_id.startswith("ou_") else escape_markdown(_short(name or open_id))


def _link(board: Board) -> list[Element]:
    url = reachable_url(board.table_url)
    return [Button(OPEN_TABLE, url)] if url else []


def _conditions(board: Board) -> list[Element]:
    if board.allowed is None:
        return [note(words.EVERYBODY)]
    people = [each for each in board.allowed if each.startswith(("ou_", "on_"))]
    return [note(words.MAY_DECIDE), PersonList(people[:_PEOPLE_SHOWN])] if people else []


def _short(text: str) -> str:
    return cut_end(one_line(text), _KEY_BYTES)
