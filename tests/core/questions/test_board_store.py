"""Boards in real databases: who shows what, and what a click on one of many things does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from airflow_provider_lark.core.questions.board.state import Board
from airflow_provider_lark.core.questions.board.store import BoardStore
from airflow_provider_lark.core.questions.click import Click
from airflow_provider_lark.core.questions.rules import UNDO
from airflow_provider_lark.core.questions.store import QuestionStore
from tests.core.questions.asking import PEOPLE
from tests.core.questions.test_board_card import CONFLICT, HELD, buttons
from tests.core.questions.test_questions_store import RING, database, made, store

__all__ = ["database", "made", "store"]

OTHER = replace(CONFLICT, key="43", seen="f9")
WAITING = Board("orders", (HELD, CONFLICT, OTHER), conflicts=2, receiver="oc_1", rule="r")
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Room:
    """A board in a chat, without Lark: what would be sent is noted as sent."""

    def __init__(self, database: Engine, questions: QuestionStore) -> None:
        self.database, self.questions = database, questions
        self.boards = self.other_process()
        self.clicks = 0

    def other_process(self) -> BoardStore:
        return BoardStore(self.database, RING, "cli_1", self.questions)

    def tell(self, board: Board = WAITING, **fates: str) -> str:
        return self.boards.update(
            "place", board, allowed=lambda: PEOPLE, key_of=lambda about: f"k {about}", fates=fates
        )

    def show(self, message_id: str = "om_1") -> dict[str, Any]:
        """Show what is to be shown, and return the card."""
        showing = self.boards.begin(self.id)
        assert showing is not None
        assert not self.boards.note_shown(self.id, showing, showing.message_id or message_id, "oc_1")
        return showing.card

    @property
    def id(self) -> str:
        found = self.boards.find("place")
        assert found is not None
        return found.id

    def board(self) -> Board:
        found = self.boards.find("place")
        assert found is not None
        return found.board

    def ask(self, about: str) -> str:
        """Return the question about a key, or about a kind."""
        found = self.boards.find("place")
        assert found is not None
        return next(each.question_id for each in found.board.items if about in (each.key, each.kind))

    def press(
        self, question_id: str, choice: str, who: str = "ou_lin", message_id: str = "om_1", seen: int = 0
    ) -> dict[str, Any]:
        self.clicks += 1
        action = {"tag": "button", "value": {"lark_question": question_id, "choice": choice, "seen": seen}}
        click = Click(who, "", "", message_id, "oc_1", 1_000_000 + self.clicks * 10_000, f"e{self.clicks}", "t", action)
        answered = self.questions.answer(click)
        assert answered is not None
        return answered.reply

    def decided(self) -> dict[str, str]:
        found = self.boards.find("place")
        assert found is not None
        return {each.item.key or each.item.kind: each.vote.choice for each in self.boards.decided(found.board)}

    def set(self, assignment: str) -> None:
        with self.database.begin() as conn:
            conn.execute(text(f"UPDATE lark_decision_cards SET {assignment}"))


@pytest.fixture
def room(database: Engine, store: QuestionStore) -> Room:
    return Room(database, store)


def toast(reply: dict[str, Any]) -> str:
    return str(reply["toast"]["content"])


def test_each_thing_is_decided_by_itself_and_a_changed_one_is_asked_anew(room: Room) -> None:
    room.tell()
    assert len(buttons(room.show())) == 6
    first = room.ask("42")
    assert "You are not among" in toast(room.press(first, "lark", "ou_stranger"))
    reply = room.press(first, "lark")
    assert toast(reply) == "Recorded: Use Lark; the next run carries it out"
    assert [each["choice"] for each in buttons(reply["card"]["data"]) if each["lark_question"] == first] == [UNDO]
    assert "Already answered by Lin" in toast(room.press(first, "sql", "ou_wei"))
    assert "already recorded" in toast(room.press(first, "lark"))
    held = room.ask("held_records")
    room.press(held, "keep", "ou_wei")
    assert room.decided() == {"42": "lark", "held_records": "keep"}
    # the answers may not have arrived: the next run shows them in any case
    assert [each["seen"] for each in buttons(room.show())] == [1, 1, 0, 0]
    # the values of the undecided one change, and more is held; what was decided goes on as it was seen
    later = replace(WAITING, items=(replace(HELD, seen="f3", count=31), CONFLICT, replace(OTHER, seen="f8")))
    old = room.ask("43")
    room.tell(later)
    assert room.decided() == {"42": "lark"}
    reply = room.press(old, "sql")
    assert "changed since" in toast(reply)
    assert room.ask("43") in {each["lark_question"] for each in buttons(reply["card"]["data"])}
    assert "Already answered" in toast(room.press(held, "release"))
    assert toast(room.press(room.ask("held_records"), "release")).startswith("Recorded: Delete")
    # carried out: what is left is green, and says what became of each
    room.tell(Board("orders", receiver="oc_1", rule="r"), **{first: "applied"})
    card = room.show()
    assert (card["header"]["template"], buttons(card), room.decided()) == ("green", [], {})
    shown = json.dumps(card, ensure_ascii=False)
    assert "carried out" in shown
    assert "not carried out: it had changed" in shown  # the one that was held before
    assert "nothing was left to do" in shown  # decided in the last moment, and gone by itself


def test_many_who_press_at_once_decide_each_thing_once(room: Room) -> None:
    room.tell()
    room.show()
    wanted = [(room.ask(key), choice, who) for key in ("42", "43") for choice in ("lark", "sql") for who in PEOPLE]
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda each: room.press(*each), wanted))
    assert sum("Recorded" in toast(each) for each in replies) == 2
    assert sorted(room.decided()) == ["42", "43"]
    assert [each["seen"] for each in buttons(room.show())] == [0, 0, 1, 1]


def test_decision_is_taken_back_by_others_until_a_run_carries_it_out(room: Room) -> None:
    room.tell()
    room.show()
    first = room.ask("42")
    room.press(first, "lark")
    # of two who press the same card the first wins, and the other sees what he would change
    reply = room.press(first, "sql", "ou_wei")
    assert "Already answered by Lin" in toast(reply)
    assert "Already answered by Lin" in toast(room.press(first, "sql", "ou_wei", seen=1))
    assert "You are not among" in toast(room.press(first, UNDO, "ou_stranger", seen=1))
    reply = room.press(first, UNDO, "ou_wei", seen=1)
    assert toast(reply) == "Taken back: the next run leaves it as it is"
    assert dict(reply["toast"]["i18n"])["zh_cn"] == "已撤回，下次运行时不会执行"
    shown = [each["choice"] for each in buttons(reply["card"]["data"]) if each["lark_question"] == first]
    assert shown == ["lark", "sql"]
    assert room.decided() == {}
    assert room.boards.take(room.board(), "run") == []
    for choice in (UNDO, "sql"):
        assert "changed this meanwhile" in toast(room.press(first, choice, "ou_ann", seen=1))
    assert toast(room.press(first, UNDO, "ou_wei", seen=1)).startswith("Your answer was already recorded")
    # what one person takes back and decides again within a second is no click that came twice
    assert toast(room.press(first, "lark", seen=2)).startswith("Recorded: Use Lark")
    kept = [(each["open_id"], each["reason"]) for each in room.questions.audit(first) if each["outcome"] == "accepted"]
    assert kept == [("ou_lin", "accepted"), ("ou_wei", "taken_back"), ("ou_lin", "accepted")]
    (taken,) = room.boards.take(room.board(), "run")
    assert [(each.open_id, each.choice) for each in taken.earlier] == [("ou_lin", "lark"), ("ou_wei", UNDO)]


def test_what_a_run_carries_out_is_not_taken_back_unless_the_run_gives_it_back(room: Room) -> None:
    room.tell()
    room.show()
    first, other = room.ask("42"), room.ask("43")
    room.press(first, "lark")
    room.press(other, "sql", "ou_wei")
    board = room.board()
    taken = room.boards.take(board, "died")
    assert [each.vote.choice for each in taken] == ["lark", "sql"]
    assert toast(room.press(first, UNDO, seen=1)) == "A run is carrying this out already"
    # the next run takes over what one that was killed had taken, which gives nothing back after that
    room.boards.take(board, "run")
    room.boards.give_back([first, other], "died")
    assert "carrying this out" in toast(room.press(first, UNDO, seen=1))
    room.boards.give_back([other], "run")
    assert "Taken back" in toast(room.press(other, UNDO, seen=1))
    assert "carrying this out" in toast(room.press(first, UNDO, seen=1))
    # dealt with, and the card could not be drawn anew
    room.questions.collect(first)
    assert "Already answered by Lin" in toast(room.press(first, "sql", "ou_wei", seen=1))


@pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)
def test_of_a_run_and_who_takes_back_at_the_same_moment_one_wins(room: Room) -> None:
    room.tell()
    room.show()
    first, board, told = room.ask("42"), room.board(), []
    with ThreadPoolExecutor(2) as pool:
        for at in range(10):
            room.press(first, "lark", seen=2 * at)
            taking = pool.submit(room.boards.take, board, f"run {at}")
            back = pool.submit(room.press, first, UNDO, seen=2 * at + 1)
            said, taken = toast(back.result()), taking.result()
            told.append(said)
            assert bool(taken) is said.startswith("A run")
            room.boards.give_back([first], f"run {at}")
            if taken:
                room.press(first, UNDO, seen=2 * at + 1)
    assert len(told) == 10


@ON_SQLITE
def test_same_state_is_shown_once_and_a_click_meanwhile_is_shown_too(room: Room) -> None:
    room.tell()
    showing = room.boards.begin(room.id)
    assert showing is not None
    assert room.other_process().begin(room.id) is None
    # while the card is on its way, somebody presses it
    room.press(room.ask("42"), "sql")
    assert room.boards.note_shown(room.id, showing, "om_1", "oc_1")
    assert [each["seen"] for each in buttons(room.show())] == [0, 0, 1, 0, 0]
    room.tell(replace(WAITING, written=("7 to Lark", "写入飞书 7")))
    assert room.boards.begin(room.id) is None


@ON_SQLITE
def test_card_that_may_have_been_sent_is_sent_again_under_its_uuid_and_later_under_a_new_one(room: Room) -> None:
    room.tell()
    first = room.boards.begin(room.id)
    room.set("claim_until_ms = 1")
    again = room.other_process().begin(room.id)
    room.set("claim_until_ms = 1, begun_at_ms = 1")
    late = room.other_process().begin(room.id)
    assert first is not None
    assert again is not None
    assert late is not None
    assert first.uuid == again.uuid != late.uuid
    # a process that was overtaken does not have the last word
    assert not room.boards.note_shown(room.id, first, "om_1", "oc_1")
    room.set("claim_until_ms = 1")
    assert room.boards.begin(room.id) is not None


@ON_SQLITE
@pytest.mark.parametrize(
    ("change", "board", "is_new"),
    [
        pytest.param("closed_at_ms = closed_at_ms - 60000", WAITING, False, id="soon after it was closed"),
        pytest.param("closed_at_ms = 1", WAITING, True, id="long after it was closed"),
        pytest.param("sent_at_ms = 1", WAITING, True, id="too old to be changed"),
        pytest.param("version = version", replace(WAITING, receiver="oc_2", rule="s"), True, id="another chat"),
    ],
)
def test_board_goes_on_in_its_message_or_in_a_new_one(room: Room, change: str, board: Board, is_new: bool) -> None:
    room.tell()
    room.show("om_1")
    old = room.ask("42")
    room.tell(Board("orders", receiver="oc_1", rule="r"))
    room.show("om_1")
    room.set(change)
    room.tell(board)
    room.show("om_2")
    found = room.boards.find("place")
    assert found is not None
    assert found.message_id == ("om_2" if is_new else "om_1")
    if is_new:
        # nothing is decided on the card of before, and it says so
        reply = room.press(old, "lark", message_id="om_1")
        assert "Recorded" not in toast(reply)
        assert "People are asked on a newer card now" in json.dumps(reply["card"])
        assert buttons(reply["card"]) == []
    reply = room.press(room.ask("42"), "lark", message_id="om_3")
    assert toast(reply) == "This is a copy of the card; answer on the original one"
    assert "card" not in reply


@ON_SQLITE
def test_message_that_is_gone_is_sent_anew(room: Room) -> None:
    room.tell()
    room.show("om_1")
    room.tell(replace(WAITING, failed=3))
    showing = room.boards.begin(room.id)
    assert showing is not None
    assert showing.message_id == "om_1"
    room.boards.forget_message(room.id)
    again = room.boards.begin(room.id)
    assert again is not None
    assert again.message_id is None
    room.boards.release(room.id)
    assert room.other_process().begin(room.id) is not None


@ON_SQLITE
def test_process_that_dies_before_the_board_has_changed_leaves_no_decision_that_nobody_carries_out(room: Room) -> None:
    room.tell()
    room.show()
    question = room.ask("42")
    room.press(question, "lark")
    room.questions.collect(question)  # dealt with, and then the process died
    assert room.decided() == {}
    room.tell()
    assert room.ask("42") != question
    assert len(buttons(room.show())) == 6


@ON_SQLITE
def test_nothing_of_what_is_shown_can_be_read_in_the_database(room: Room) -> None:
    room.tell()
    with room.database.connect() as conn:
        rows = conn.execute(text("SELECT * FROM lark_decision_cards")).all()
    assert "Anne" not in str(rows)


@ON_SQLITE
def test_idle_run_that_looks_at_a_board_writes_nothing(room: Room) -> None:
    room.tell()
    room.show()
    writes: list[str] = []
    event.listen(room.database, "before_cursor_execute", lambda *each: writes.append(each[2]))

    def look(owner: str = "me") -> int:
        found, before = room.boards.find("place"), len(written())
        assert found is not None
        room.boards.note_looked(found, owner, "table")
        assert room.boards.take(found.board, "run") == []
        return len(written()) - before

    def written() -> list[str]:
        return [each for each in writes if each.lstrip().upper().startswith(("UPDATE", "INSERT", "DELETE"))]

    assert [look(), look(), look("another"), look("another")] == [1, 0, 1, 0]
    room.set("looked_at_ms = looked_at_ms - 3700000")
    assert [look("another"), look("another")] == [1, 0]
