"""Scripted faults, seen from the caller's side."""

from __future__ import annotations

import json
from threading import Event
from typing import Any

import httpx
import pytest

ROW = {"records": [{"fields": {"Name": "a"}}]}


def test_error_fault_strikes_after_skip_and_so_often(caller: Any) -> None:
    fault = caller.emu.faults.add("POST .*/batch_create", code=1254291, times=2, skip=1)

    codes = [caller.code("POST", f"{caller.records}/batch_create", ROW) for _ in range(4)]

    assert codes == [0, 1254291, 1254291, 0]
    assert fault.hits == 2
    assert caller.search()["total"] == 2


def test_rate_limit_fault_carries_its_headers(caller: Any) -> None:
    caller.emu.faults.add("search", code=99991400, reset_seconds=7)

    answer = caller.raw("POST", f"{caller.records}/search", {})

    assert answer.status_code == 429
    assert answer.json()["code"] == 99991400
    assert answer.headers["x-ogw-ratelimit-reset"] == "7"
    assert answer.headers["x-ogw-ratelimit-limit"]


@pytest.mark.parametrize(
    ("action", "left"), [pytest.param("drop_before", 0, id="before"), pytest.param("drop_after", 1, id="after")]
)
def test_dropped_connection_leaves_the_write_undone_or_done(caller: Any, action: str, left: int) -> None:
    caller.emu.faults.add("batch_create", action=action)

    with pytest.raises(httpx.RemoteProtocolError):
        caller.call("POST", f"{caller.records}/batch_create", ROW)

    assert caller.search()["total"] == left


def send_hastily(caller: Any) -> None:
    """Send a write, give up on its answer, and let the emulator come to its end."""
    with pytest.raises(httpx.ReadTimeout):
        caller.http.post(
            f"{caller.records}/batch_create", json=ROW, headers=caller.headers, timeout=httpx.Timeout(60, read=0.05)
        )
    while not any(entry.path.endswith("/batch_create") for entry in caller.emu.log):
        Event().wait(0.01)


def test_timeout_after_applies_the_write_and_says_nothing(caller: Any) -> None:
    caller.emu.faults.add("batch_create", action="timeout_after")

    send_hastily(caller)

    assert caller.search()["total"] == 1


def test_error_after_applies_the_write_and_answers_504(caller: Any) -> None:
    caller.emu.faults.add("batch_create", action="error_after", code=1255040)

    answer = caller.raw("POST", f"{caller.records}/batch_create", ROW)

    assert (answer.status_code, answer.json()["code"]) == (504, 1255040)
    assert caller.search()["total"] == 1


def test_bad_json_is_half_an_answer(caller: Any) -> None:
    caller.emu.faults.add("search", action="bad_json")

    answer = caller.raw("POST", f"{caller.records}/search", {})

    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_expired_tokens_are_refused_until_the_next_login(caller: Any) -> None:
    caller.emu.faults.add("search", action="expire_tokens")

    assert caller.code("POST", f"{caller.records}/search", {}) == 99991663
    caller.login()
    assert caller.code("POST", f"{caller.records}/search", {}) == 0


def test_repeated_page_token_never_ends(caller: Any) -> None:
    caller.create({"Name": "a"}, {"Name": "b"}, {"Name": "c"})
    caller.emu.faults.add("search", action="repeat_page_token", times=None)

    token = caller.search(page_size=1)["page_token"]

    for _ in range(3):
        data = caller.search(page_size=1, page_token=token)
        assert data["has_more"] is True
        assert data["page_token"] == token


def test_short_read_loses_rows_but_not_the_total(caller: Any) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})
    caller.emu.faults.add("search", action="short")

    data = caller.search()

    assert (len(data["items"]), data["total"], data["has_more"]) == (1, 2, False)


def test_poisoned_row_is_refused_wherever_it_stands(caller: Any) -> None:
    caller.emu.faults.add("batch_create", code=1254060, times=None, contains="poison")
    rows = [{"fields": {"Name": name}} for name in ("a", "poison")]

    assert caller.code("POST", f"{caller.records}/batch_create", {"records": rows}) == 1254060
    assert caller.code("POST", f"{caller.records}/batch_create", {"records": rows[:1]}) == 0


def test_fault_without_a_known_action_is_refused(caller: Any) -> None:
    with pytest.raises(ValueError, match="unknown fault action"):
        caller.emu.faults.add("search", action="explode")


def test_log_and_counters_show_each_request(caller: Any) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})

    entry = caller.emu.log[-1]

    assert (entry.method, entry.status, entry.code, entry.n_records, entry.app_id) == (
        "POST",
        200,
        0,
        2,
        caller.emu.app_id,
    )
    template = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_create"
    assert caller.emu.counters()[f"POST {template}"] == 1


def test_empty_page_token_and_empty_answer_are_scripted(caller: Any) -> None:
    caller.create({"Name": "a"})
    caller.emu.faults.add("search", action="empty_page_token")
    caller.emu.faults.add("search", action="empty")

    endless, nothing = caller.search(), caller.search()

    assert (endless["has_more"], endless["page_token"]) == (True, "")
    assert nothing == {"items": [], "has_more": False, "total": 0}


def test_delayed_answer_arrives_later_by_the_clock(caller: Any, clock: Any) -> None:
    before = clock.now()
    caller.emu.faults.add("search", action="delay", delay_seconds=5)

    caller.search()

    assert clock.now() == before + 5


def test_silence_before_a_write_leaves_it_undone(caller: Any) -> None:
    caller.emu.faults.add("batch_create", action="timeout_before")

    send_hastily(caller)

    assert caller.search()["total"] == 0


def test_status_alone_is_a_server_error(caller: Any) -> None:
    caller.emu.faults.add("search", status=502)

    assert caller.raw("POST", f"{caller.records}/search", {}).status_code == 502


def test_malformed_json_is_refused(caller: Any) -> None:
    answer = caller.http.post(f"{caller.records}/search", content=b'{"filter":', headers=caller.headers)

    assert answer.json()["code"] == 1254000
