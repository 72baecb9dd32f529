"""Several files and pictures of one task: in order, each once, over tries and kills, and what is told before any."""

from __future__ import annotations

import json

import httpx
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.message import LarkReplyMessageOperator, LarkSendMessageOperator
from tests.skin.message_tasks import Killed, Reaper, StateStore, context

pytestmark = pytest.mark.usefixtures("time_flies")

SENDS = "POST /open-apis/im/v1/messages"
UPLOADS = "POST /open-apis/im/v1/files"


@pytest.fixture
def files(tmp_path, team):
    """Paths of three files: a.csv, b.csv, c.csv."""
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for path in paths:
        path.write_text(f"名\n{path.stem}\n", encoding="utf-8")
    return [str(path) for path in paths]


@pytest.fixture
def images(tmp_path, team):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for at, path in enumerate(paths):
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(16) + bytes([at]))
    return [str(path) for path in paths]


def execute(given=None, *, receive_id="Team", **parameters):
    operator = LarkSendMessageOperator(task_id="tell", receive_id=receive_id, **parameters)
    return operator.execute(context(StateStore()) if given is None else given)


def failure(kind=AirflowFailException, given=None, **parameters):
    with pytest.raises(AirflowException) as caught:
        execute(given, **parameters)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def names(emulator):
    return [json.loads(each.content)["file_name"] for each in emulator.messages]


# --- files


def test_each_file_is_a_message_in_order(team, emulator, files):
    told = execute(file=files)
    assert names(emulator) == ["a.csv", "b.csv", "c.csv"]
    ids = [each.message_id for each in emulator.messages]
    assert [each["message_id"] for each in told["messages"]] == ids
    assert [each["file_name"] for each in told["messages"]] == ["a.csv", "b.csv", "c.csv"]
    assert {each["receive_id"] for each in told["messages"]} == {"Team"}
    assert (told["message_id"], told["chat_id"]) == (ids[0], team.chat_id)
    with LarkHook().client() as client:
        for message, name in zip(emulator.messages, "abc", strict=True):
            key = json.loads(message.content)["file_key"]
            assert client.resources.download_file(file_key=key).decode() == f"名\n{name}\n"


@pytest.mark.parametrize("form", [list, tuple, json.dumps])
def test_list_of_one_tells_what_a_single_file_does(team, files, form):
    single = execute(file=files[0])
    told = execute(file=form(files[:1]))
    assert told.keys() == single.keys() == {"message_id", "chat_id", "created_ms", "thread_id"}


def test_single_file_keeps_its_uuid(emulator, files):
    given = context()
    execute(given, file=files[0])
    # nothing is remembered but by Lark, which knows the uuid
    execute(given, file=files[:1])
    assert len(emulator.messages) == 1


def test_several_files_reach_several_receivers(emulator, files):
    told = execute(file=files[:2], receive_id=["Team", "ann@example.com"])
    pairs = [(each["receive_id"], each["file_name"]) for each in told["messages"]]
    assert pairs == [(who, name) for name in ("a.csv", "b.csv") for who in ("Team", "ann@example.com")]
    assert len(emulator.messages) == 4


def test_names_are_given_for_each(emulator, files):
    execute(file=files, file_name=["一.csv", "二.csv", "三.csv"])
    assert names(emulator) == ["一.csv", "二.csv", "三.csv"]


def test_file_that_is_named_twice_is_two_messages_also_when_tried_again(emulator, files):
    given = context()
    for _ in range(2):
        execute(given, file=[files[0], files[0], files[1]])
    assert names(emulator) == ["a.csv", "a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param({"file": ["A", "/nowhere/x.csv"]}, "file[1]: file 'x.csv' does not exist", id="missing"),
        pytest.param({"file": ["A", ""]}, "file[1]: is empty; give a path", id="no path"),
        pytest.param(
            {"file": ["A", "EMPTY"]}, "file[1]: file 'empty.csv' is empty; Lark does not accept empty files", id="empty"
        ),
        pytest.param(
            {"file": ["A", "LARGE"]},
            "file[1]: file 'large.csv' has 31,457,281 bytes, more than the 31,457,280",
            id="large",
        ),
        pytest.param({"file": []}, "the message has no content", id="no list"),
        pytest.param({"file": "[]"}, "file: the list is empty", id="empty list of a template"),
        pytest.param({"file": ["A", "A"], "file_name": "x.csv"}, "file_name: got 1 name for 2 files", id="one name"),
        pytest.param({"file": ["A"], "file_name": ["x", "y"]}, "file_name: got 2 names for 1 file", id="two names"),
        pytest.param({"file": ["A"], "mentions": ["all"]}, "mentions: not supported in a", id="mentions"),
        pytest.param({"file": {"a": 1}}, "file: expected a list, found dict", id="dict"),
        pytest.param(
            {"image": ["A", "LARGE"]},
            "image[1]: file 'large.csv' has 31,457,281 bytes, more than the 10,485,760",
            id="picture",
        ),
    ],
)
def test_what_is_wrong_with_any_is_told_before_the_first(emulator, files, tmp_path, parameters, told):
    (tmp_path / "empty.csv").touch()
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(30 * 1024 * 1024 + 1)
    places = {"A": files[0], "EMPTY": str(tmp_path / "empty.csv"), "LARGE": str(tmp_path / "large.csv")}
    given = {
        name: [places.get(each, each) for each in value] if isinstance(value, list) and name != "mentions" else value
        for name, value in parameters.items()
    }
    assert told in failure(**given)
    assert emulator.counters().get(UPLOADS, 0) == 0
    assert emulator.messages == []


# --- once


def test_retry_after_the_second_of_three_sends_only_the_third(emulator, files):
    store = StateStore()
    emulator.faults.add(SENDS, code=230028, skip=2)
    failure(given=context(store), file=files)
    assert names(emulator) == ["a.csv", "b.csv"]
    uploads = emulator.counters()[UPLOADS]
    told = execute(context(store), file=files)
    assert names(emulator) == ["a.csv", "b.csv", "c.csv"]
    # what has arrived is not uploaded again
    assert emulator.counters()[UPLOADS] == uploads + 1
    assert [each["message_id"] for each in told["messages"]] == [each.message_id for each in emulator.messages]
    assert execute(context(store), file=files) == told
    assert len(emulator.messages) == 3


def test_refused_receiver_alone_is_tried_again_and_the_rest_follows(emulator, team, files):
    store, everybody = StateStore(), ["Team", "ann@example.com"]
    emulator.faults.add(SENDS, code=230028, skip=3)
    assert "1 of 2 receivers did not get the message" in failure(
        given=context(store), file=files[:2], receive_id=everybody
    )
    assert len(emulator.messages) == 3
    execute(context(store), file=files[:2], receive_id=everybody)
    assert sorted(names(emulator)) == ["a.csv", "a.csv", "b.csv", "b.csv"]


def test_killed_at_any_boundary_sends_each_once(emulator, files, monkeypatch):
    reaper, killed = Reaper(), 0
    monkeypatch.setattr(httpx.Client, "request", reaper.around(httpx.Client.request))
    for kill_at in range(1, 100):
        store = StateStore()
        store.get, store.set = reaper.around(store.get), reaper.around(store.set)
        given = context(store) | {"run_id": f"manual__{kill_at}"}
        before = len(emulator.messages)
        reaper.arm(kill_at)
        try:
            execute(given, file=files)
        except Killed:
            killed += 1
        else:
            break
        reaper.arm(None)
        told = execute(given, file=files)
        sent = emulator.messages[before:]
        assert [json.loads(each.content)["file_name"] for each in sent] == ["a.csv", "b.csv", "c.csv"], kill_at
        assert [each["message_id"] for each in told["messages"]] == [each.message_id for each in sent]
    # of each file the upload, the message, and three looks into the store
    assert killed >= 2 * 3 * (1 + 1 + 3)


# --- pictures


def test_pictures_are_one_post_below_a_title(emulator, team, images):
    told = execute(image=images, title="Charts", mentions=["ann@example.com"])
    (message,) = emulator.messages
    post = json.loads(message.content)
    lines = post.get("zh_cn", post)["content"]
    assert [[each["tag"] for each in line] for line in lines] == [["at"], ["img"], ["img"], ["img"]]
    assert message.mentions == (team.ann.open_id,)
    assert told == {"message_id": message.message_id, "chat_id": team.chat_id, "created_ms": message.created_ms} | {
        "thread_id": ""
    }
    with LarkHook().client() as client:
        for at, line in enumerate(lines[1:]):
            whole = client.resources.download_image(image_key=line[0]["image_key"])
            assert whole == b"\x89PNG\r\n\x1a\n" + bytes(16) + bytes([at])


def test_list_of_one_picture_is_an_image(emulator, images):
    execute(image=images[:1])
    assert emulator.messages[0].msg_type == "image"


def test_pictures_come_once_over_tries(emulator, images):
    given = context()
    for _ in range(2):
        execute(given, image=images)
    execute(given, image=images[:2])
    assert len(emulator.messages) == 2


# --- replies


def test_each_file_is_a_reply_and_goes_elsewhere_where_the_message_is_gone(emulator, team, files):
    sent = execute(text="first")
    reply = {"task_id": "tell", "message_id": sent["message_id"], "file": files, "instead_receive_id": "Team"}
    store = StateStore()
    emulator.faults.add("reply", code=230028, skip=1)
    with pytest.raises(AirflowFailException):
        LarkReplyMessageOperator(**reply).execute(context(store))
    emulator.state.messages.known(sent["message_id"]).is_recalled = True
    told = LarkReplyMessageOperator(**reply).execute(context(store))
    assert [each["file_name"] for each in told["messages"]] == ["a.csv", "b.csv", "c.csv"]
    assert [each["is_reply"] for each in told["messages"]] == [True, False, False]
    parents = [each.parent_id for each in emulator.messages[1:]]
    assert parents == [sent["message_id"], "", ""]
    assert (told["message_id"], told["is_reply"]) == (emulator.messages[1].message_id, True)


def test_single_file_replies_as_before(emulator, team, files):
    sent = execute(text="first")
    operator = LarkReplyMessageOperator(task_id="tell", message_id=sent["message_id"], file=files[0])
    assert operator.execute(context(StateStore())).keys() == {
        *("message_id", "chat_id", "created_ms", "thread_id", "is_reply")
    }
