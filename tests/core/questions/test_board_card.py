"""The card for what a sync leaves to people: from plain data to JSON that Lark takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.questions.board.card import ITEMS_MAX, board_card, fit_board
from airflow_provider_lark.core.questions.board.state import Board, Item, Past, Shown, Tally
from airflow_provider_lark.core.questions.rules import UNDO, Vote

CONFLICT = Item("conflict", "42", "f1", "q1", columns=(Shown("name", "Anne", "Anna"), Shown("qty", None, "7")))
HELD = Item("held_records", "", "f2", "q2", count=30, keys=("1", "2"))
BOARD = Board("orders", (HELD, CONFLICT), conflicts=1, allowed=("ou_lin",), written=("3 to Lark", "写入飞书 3"))


def text_of(board: Board, tallies: dict[str, Tally] | None = None) -> str:
    card = board_card(board, tallies or {})
    check_card(card)
    return json.dumps(card, ensure_ascii=False)


def buttons(card: Any) -> list[dict[str, Any]]:
    """Return the values of all buttons that call back."""
    if isinstance(card, list):
        return [value for each in card for value in buttons(each)]
    if not isinstance(card, dict):
        return []
    own = [each["value"] for each in card.get("behaviors", ()) if each["type"] == "callback"]
    return own + [value for each in card.values() for value in buttons(each)]


def test_card_names_both_values_counts_and_who_may_decide_in_two_languages() -> None:
    shown = text_of(BOARD)
    for word in (
        "name: Anne",
        "name: Anna",
        "qty: (empty)",
        "qty: （空）",
        "qty: 7",
        "采用飞书",
        "Use database",
        "ou_lin",
    ):
        assert word in shown
    assert "30 rows deleted in the database" in shown
    assert buttons(board_card(BOARD, {})) == [
        {"lark_question": question, "choice": choice, "seen": 0}
        for question, choice in (("q2", "release"), ("q2", "keep"), ("q1", "lark"), ("q1", "sql"))
    ]


LIN, WEI = Vote("ou_lin", 1_000, "sql", "Lin"), Vote("ou_wei", 2_000, UNDO, "Wei")


@pytest.mark.parametrize(
    ("votes", "said", "left"),
    [
        pytest.param((), [], ["lark", "sql"], id="nothing yet"),
        pytest.param(
            (LIN,),
            ["✅ **Use database** · the", "✅ **采用数据库** · ", "<at id=ou_lin></at> · <"],
            [UNDO],
            id="decided",
        ),
        pytest.param(
            (LIN, WEI),
            ["↩️ **Use database** · <at id=ou_lin></at> · taken back · <at id=ou_wei></at>", " · 已撤回 · "],
            ["lark", "sql"],
            id="taken back by another",
        ),
        pytest.param((LIN, WEI, LIN), ["✅ **Use database** · the"], [UNDO], id="decided anew"),
    ],
)
def test_item_says_who_decided_what_and_lets_that_be_taken_back(
    votes: tuple[Vote, ...], said: list[str], left: list[str]
) -> None:
    card = board_card(replace(BOARD, items=(CONFLICT,)), {"q1": Tally(votes)})
    check_card(card)
    shown = json.dumps(card, ensure_ascii=False)
    assert [each for each in said if each not in shown] == []
    assert shown.count("✅") == (3 if left == [UNDO] else 0)  # as text, and in each language
    assert shown.count("↩️") == (3 if len(votes) == 2 else 0)
    assert buttons(card) == [{"lark_question": "q1", "choice": each, "seen": len(votes)} for each in left]
    assert card["header"]["template"] == "orange"
    assert ("orders: decided" in shown) is (left == [UNDO])


def test_card_of_a_board_on_which_nothing_is_left_is_green_with_what_was_decided() -> None:
    past = Past("conflict", "42", "lark", "ou_lin", "Lin", 1_000, "applied")
    card = board_card(Board("orders", past=(past,)), {})
    check_card(card)
    assert (card["header"]["template"], buttons(card)) == ("green", [])
    assert "42: **Use Lark** · <at id=ou_lin></at>" in json.dumps(card, ensure_ascii=False)


def test_values_that_are_not_to_be_shown_are_on_no_card_and_what_is_shown_is_no_structure() -> None:
    nasty = Shown("note", "<at id=all></at> [x](https://e.example)", "**b**\n# h")
    board = replace(BOARD, items=(replace(CONFLICT, columns=(Shown("pay", None, None, is_hidden=True), nasty)),))
    card = board_card(board, {})
    assert "pay: (not shown)" in json.dumps(card)

    def markdown(node: Any) -> str:
        if isinstance(node, list):
            return "".join(map(markdown, node))
        if not isinstance(node, dict):
            return ""
        own = json.dumps(node) if node.get("tag") == "markdown" else ""
        return own + "".join(map(markdown, node.values()))

    assert "id=all" not in markdown(card["body"])


@pytest.mark.parametrize("letter", ["a", '"', "数"])
@pytest.mark.parametrize("is_decided", [False, True])
def test_board_of_anything_fits_on_a_card(letter: str, is_decided: bool) -> None:
    long = letter * 9_000
    columns = tuple(Shown(f"{at}{long}", long, long) for at in range(30))
    many = [replace(CONFLICT, key=f"{at}{long}", seen=str(at), columns=columns) for at in range(50)]
    people = tuple(f"ou_{at:032}" for at in range(500))
    past = (Past("conflict", long, "lark", "ou_lin", long, 1_000, "changed"),) * 9
    failed = (long,) * 5
    held = (HELD, replace(HELD, kind="held_rows", keys=(long,) * 5))
    whole = Board(long, (*many, *held), 5_000, 400, failed, "https://e.example/x", people)
    board = fit_board(whole)
    assert {"held_records", "held_rows"} <= {each.kind for each in board.items}
    assert 3 <= len(board.items) <= ITEMS_MAX
    ids = [replace(each, question_id=f"{at:032}") for at, each in enumerate(board.items)]
    votes = (Vote("ou_" + "l" * 32, 10**12, "lark", long), Vote("ou_" + "w" * 32, 10**12, UNDO, long))
    tallies = {each.question_id: Tally(votes[: 2 - at % 2]) for at, each in enumerate(ids) if is_decided}
    # the sixth and later ones are not shown
    card = board_card(replace(board, items=tuple(ids), past=past), tallies)
    check_card(card)
    assert MESSAGE.measure(card) <= MESSAGE.ready_bytes


def test_board_of_small_values_shows_as_many_as_there_is_room_for() -> None:
    many = tuple(replace(CONFLICT, key=str(at), seen=str(at)) for at in range(20))
    board = fit_board(replace(BOARD, items=(HELD, *many), conflicts=20))
    assert len(board.items) == ITEMS_MAX
    assert "13 more conflicts" in text_of(board)
    # also after all of them were taken back, and others decided before
    ids = tuple(replace(each, question_id=f"{at:032}") for at, each in enumerate(board.items))
    past = (Past("conflict", "7" * 40, "lark", "ou_" + "l" * 32, "Lin", 10**12, "changed"),) * 5
    full = replace(
        board, items=ids, past=past, failed=9, failed_rows=("7: too long",) * 5, table_url="https://e.example"
    )
    text_of(full, {each.question_id: Tally((LIN, WEI)) for each in ids})


def test_board_survives_its_storage_and_only_what_people_see_changes_its_digest() -> None:
    past = Past("conflict", "42", "lark", "ou_lin", "Lin", 1_000, "applied")
    board = replace(BOARD, past=(past,), failed=1, failed_rows=("7: too long",))
    assert Board.from_plain(json.loads(json.dumps(board.to_plain()))) == board
    assert replace(board, written=("9", "9")).digest == board.digest
    assert replace(board, failed=2).digest != board.digest
