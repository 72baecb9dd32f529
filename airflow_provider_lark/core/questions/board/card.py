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
from airflow_provider_lark.core.cards.languages import Localized, Text, combine, localize
from airflow_provider_lark.core.cards.layout import side_by_side
from airflow_provider_lark.core.cards.ready.fitting import largest
from airflow_provider_lark.core.cards.ready.parts import bullets, fact_rows, red_count
from airflow_provider_lark.core.cards.ready.words import OPEN_TABLE
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import bold, escape_markdown, local_time, mention, one_line, reachable_url
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.questions.board import words
from airflow_provider_lark.core.questions.board.state import Board, Item, Past, Shown, Tally
from airflow_provider_lark.core.questions.click import CHOICE, QUESTION, SEEN
from airflow_provider_lark.core.questions.rules import UNDO, Vote

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
_DECIDED = Tally((Vote("ou_" + "0" * 32, 10**12, "release"),))


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
    return all(room.measure(board_card(board, {_ID: each})) <= room.ready_bytes for each in (Tally(), _DECIDED))


def board_card(board: Board, tallies: Mapping[str, Tally]) -> Json:
    """Return the card; what was taken back is told where there is room for it.

    :param tallies: what was decided, by question.
    """
    if board.is_left:
        return left_card(board, words.LEFT)
    card = _card(board, tallies)
    return card if MESSAGE.measure(card) <= MESSAGE.ready_bytes else _card(board, tallies, tells_taken_back=False)


def left_card(board: Board, why: Localized) -> Json:
    """Return the card where nobody is asked any more: it cannot be pressed, and says why."""
    elements = [Markdown(why), *_past(board.past), *_link(board)]
    header = Header(words.left_title(_short(board.mapping)), "grey")
    return Card(elements, header, enable_forward=False, vertical_spacing="12px").assemble()


def _card(board: Board, tallies: Mapping[str, Tally], *, tells_taken_back: bool = True) -> Json:
    facts: list[tuple[Text, Text | Element | None]] = [
        (words.CONFLICTS, red_count(board.conflicts)),
        (words.HELD, red_count(board.held)),
        (words.FAILED, red_count(board.failed)),
        (words.LAST_RUN, localize(en_us=board.written[0], zh_cn=board.written[1]) if board.written[0] else None),
    ]
    shown = sum(each.kind == "conflict" for each in board.items)
    elements: list[Element] = [
        *fact_rows(facts),
        *(
            part
            for item in board.items
            for part in _item(item, tallies.get(item.question_id, Tally()), tells_taken_back)
        ),
        *([note(words.more_conflicts(board.conflicts - shown))] if board.conflicts > shown else []),
        *bullets(words.FAILED, board.failed_rows, board.failed - len(board.failed_rows)),
        *_past(board.past),
        *_link(board),
        *(_conditions(board) if board.items else []),
    ]
    undecided = [each for each in board.items if tallies.get(each.question_id, Tally()).vote is None]
    title = words.title(
        _short(board.mapping),
        is_open=board.is_open,
        can_decide=bool(board.items or board.conflicts),
        is_decided=not undecided and board.conflicts <= shown,
    )
    color: HeaderTemplate = "orange" if board.is_open else "green"
    return Card(elements, Header(title, color), enable_forward=False, vertical_spacing="12px").assemble()


def _item(item: Item, tally: Tally, tells_taken_back: bool) -> list[Element]:
    if item.kind == "conflict":
        heading, sides = words.conflict(_short(item.key)), fact_rows(_sides(item))
        choices = ("lark", "sql")
    else:
        heading = words.held(item.kind, item.count)
        keys = ", ".join(_short(each) for each in item.keys) + (" …" if item.count > len(item.keys) else "")
        sides = [Div(keys), note(words.kept(item.kind))]
        choices = ("release", "keep")
    told = combine(bold, heading)
    if tally.vote is not None:
        below: list[Element] = [*_decided(tally.vote), _button(item, UNDO, tally.count)]
    else:
        # who changes their mind takes back first: that says what they change, and whose it was
        below = [side_by_side(*(_button(item, each, tally.count) for each in choices))]
        told = combine(_lines, told, *(_taken_back(tally) if tells_taken_back else ()))
    return [Hr(), Markdown(told), *sides, *below]


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
            told = combine(_lines, *lines) if lines else "…"
        sides.append((label, Div(told)))
    return sides


def _line(column: Shown, value: str | None) -> Text:
    name = cut_end(one_line(column.column), _KEY_BYTES)
    if column.is_hidden:
        return combine(lambda word: f"{name}: {word}", words.HIDDEN)
    if value is None:
        return combine(lambda word: f"{name}: {word}", words.EMPTY)
    return f"{name}: {cut_end(one_line(value), _VALUE_BYTES)}"


def _button(item: Item, choice: str, seen: int) -> Button:
    deletes = choice == "release"
    return Button(
        words.CHOICES[choice],
        type="danger" if deletes else "default",
        behaviors=[Callback({QUESTION: item.question_id, CHOICE: choice, SEEN: seen})],
        confirm=Confirm(words.SURE, words.UNTIL_THEN) if deletes else None,
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def _decided(vote: Vote) -> list[Markdown]:
    label = words.CHOICES.get(vote.choice, vote.choice)
    told = combine(lambda word, then: f"✅ {bold(word)} · {then}", label, words.NEXT_RUN)
    # apart from the words, as it is the same in each language: a card has little room
    return [Markdown(told), Markdown(_who_and_when(vote), text_size="notation")]


def _taken_back(tally: Tally) -> list[Text]:
    """Return who took back what, and whose that was."""
    if tally.before is None:
        return []
    label = words.CHOICES.get(tally.before.choice, tally.before.choice)
    by, whose = _who(tally.votes[-1]), _who(tally.before)
    return [combine(lambda word, back: f"↩️ {bold(word)} · {whose} · {back} · {by}", label, words.TAKEN_BACK)]


def _past(past: Sequence[Past]) -> list[Element]:
    if not past:
        return []
    lines = [_past_line(each) for each in past[:PAST_MAX]]
    return [Hr(), note(words.DECIDED), Markdown(combine(_lines, *lines))]


def _past_line(past: Past) -> Text:
    what: Text = cut_end(one_line(past.key), _PAST_KEY_BYTES) if past.kind == "conflict" else words.HELD
    sign = "↩️" if past.fate == "changed" else "✅"
    return combine(
        lambda about, label, fate: f"{sign} {escape_markdown(about)}: {bold(label)} · {_who_and_when(past)} · {fate}",
        *(what, words.CHOICES.get(past.choice, past.choice), words.FATES.get(past.fate, past.fate)),
    )


def _who_and_when(decided: Vote | Past) -> str:
    return f"{_who(decided)} · {local_time(datetime.fromtimestamp(decided.at_ms / 1000, UTC))}"


def _who(decided: Vote | Past) -> str:
    open_id, name = decided.open_id, decided.name
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
