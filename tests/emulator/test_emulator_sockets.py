"""Long connections to the emulator, over real sockets, with the frames of the official classes (lark-api §5.5)."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from airflow_provider_lark.emulator import Emulator, ManualClock
from airflow_provider_lark.emulator.events import frames
from tests.official import official_modules

ENDPOINT = "/callback/ws/endpoint"
(_frames,) = official_modules("ws.pb.pbbp2_pb2")
Frame: Any = _frames.Frame


class Shop:
    """An emulator whose default app gets the events of a table over its long connection."""

    def __init__(self, emu: Emulator) -> None:
        self.emu = emu
        emu.state.set_long_connection(emu.app_id)
        self.app_token = emu.state.create_base("Shop").app_token
        self.table_id = emu.state.create_table(self.app_token, "t", [{"field_name": "Name", "type": 1}]).table_id
        emu.state.subscriptions.add(self.app_token, emu.app_id, "ou_1")

    def ask(self, **body: Any) -> Any:
        given = {"AppID": self.emu.app_id, "AppSecret": self.emu.app_secret, **body}
        return httpx.post(f"{self.emu.url}{ENDPOINT}", json=given)

    @contextmanager
    def connected(self) -> Iterator[ClientConnection]:
        with connect(self.ask().json()["data"]["URL"], ping_interval=None) as ws:
            wait_until(lambda: self.emu.sockets.devices(self.emu.app_id))
            yield ws

    def edit(self, name: str = "a") -> None:
        self.emu.person.add_record(self.app_token, self.table_id, {"Name": name})

    def states(self) -> list[str]:
        return [each.state for each in self.emu.events.log()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Shop]:
    with Emulator(clock=clock) as emu:
        yield Shop(emu)


def wait_until(is_so: Any) -> None:
    for _ in range(20_000):
        if is_so():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came to pass")


def read(ws: ClientConnection) -> Any:
    frame = Frame()
    frame.ParseFromString(ws.recv(timeout=60))
    return frame


def headers(frame: Any) -> dict[str, str]:
    return {each.key: each.value for each in frame.headers}


def acknowledge(ws: ClientConnection, frame: Any, code: int = 200, data: object = None) -> None:
    told: dict[str, Any] = {"code": code}
    if data is not None:
        told["data"] = base64.b64encode(json.dumps(data).encode()).decode()
    frame.payload = json.dumps(told).encode()
    ws.send(frame.SerializeToString())


def test_random_frames_agree_with_the_official_classes() -> None:
    chance = random.Random(1)
    for _ in range(1_000):
        theirs = Frame()
        theirs.SeqID, theirs.LogID = chance.getrandbits(64), chance.getrandbits(chance.choice((1, 8, 64)))
        theirs.service, theirs.method = chance.getrandbits(32) - (1 << 31), chance.choice((0, 1, -1))
        for _ in range(chance.randrange(5)):
            header = theirs.headers.add()
            header.key, header.value = "键" * chance.randrange(3), "v" * chance.randrange(200)
        if chance.random() < 0.8:
            theirs.payload = chance.randbytes(chance.randrange(1_000))
        if chance.random() < 0.3:
            theirs.LogIDNew, theirs.payload_type = "new", ""
        raw = theirs.SerializeToString()
        assert frames.write(frames.read(raw)) == raw


@pytest.mark.parametrize("raw", [b"\x08", b"\x08" + b"\xff" * 12, b"\x2a\x7f", b"\x0b", b"\x2a\x02\x0a\x09"])
def test_malformed_frame_is_told_from_a_frame(raw: bytes) -> None:
    with pytest.raises(frames.Malformed):
        frames.read(raw)


def test_event_arrives_and_is_acknowledged(shop: Shop) -> None:
    with shop.connected() as ws:
        shop.edit()
        frame = read(ws)
        assert (frame.method, headers(frame)["type"], headers(frame)["sum"]) == (1, "event", "1")
        told = json.loads(frame.payload)
        assert (told["schema"], told["event"]["table_id"], told["header"]["token"]) == ("2.0", shop.table_id, "")
        acknowledge(ws, frame)
        shop.emu.events.settle(60)
    assert shop.states() == ["delivered"]
    assert (shop.emu.sockets.tally.sent, shop.emu.sockets.tally.acked) == (1, 1)


def test_pong_carries_the_timings_of_the_switches(shop: Shop) -> None:
    shop.emu.switches.update({"ping_seconds": 7, "reconnect_count": 3})
    assert shop.ask().json()["data"]["ClientConfig"]["PingInterval"] == 7
    with shop.connected() as ws:
        ws.send(ping())
        pong = read(ws)
        assert (pong.method, headers(pong)) == (0, {"type": "pong"})
        assert json.loads(pong.payload) == {
            "ReconnectCount": 3,
            "ReconnectInterval": 120,
            "ReconnectNonce": 30,
            "PingInterval": 7,
        }
        shop.emu.switches.ping_seconds = 9
        assert shop.emu.sockets.send_config() == 1
        assert json.loads(read(ws).payload)["PingInterval"] == 9


def ping() -> bytes:
    frame = Frame()
    frame.SeqID = frame.LogID = frame.method = 0
    frame.service = 1
    header = frame.headers.add()
    header.key, header.value = "type", "ping"
    raw: bytes = frame.SerializeToString()
    return raw


def test_long_delivery_comes_in_fragments_in_any_order(shop: Shop) -> None:
    shop.emu.switches.update({"fragment_bytes": 50, "fragments_out_of_order": True})
    with shop.connected() as ws:
        shop.edit("中文" * 50)
        parts = [read(ws)]
        parts += [read(ws) for _ in range(int(headers(parts[0])["sum"]) - 1)]
        numbers = [int(headers(each)["seq"]) for each in parts]
        assert sorted(numbers) == list(range(len(parts)))
        assert numbers != sorted(numbers)
        whole = b"".join(each.payload for _, each in sorted(zip(numbers, parts, strict=True), key=lambda pair: pair[0]))
        assert json.loads(whole)["event"]["table_id"] == shop.table_id
        assert len({headers(each)["message_id"] for each in parts}) == 1


def test_event_is_sent_again_at_its_times_until_it_is_dropped(shop: Shop, clock: ManualClock) -> None:
    with shop.connected() as ws:
        shop.edit()
        for later in (15, 300, 3_600, 21_600, 0):
            acknowledge(ws, read(ws), code=500)
            shop.emu.events.settle(60)
            clock.advance(later)
    (delivery,) = shop.emu.events.log()
    assert (delivery.state, delivery.attempts) == ("dropped", 5)
    assert shop.emu.sockets.tally.failed == 5


def test_answer_that_comes_too_late_counts_for_nothing(shop: Shop, clock: ManualClock) -> None:
    with shop.connected() as ws:
        shop.edit()
        frame = read(ws)
        clock.advance(3)
        shop.emu.events.settle(60)
        acknowledge(ws, frame)
        wait_until(lambda: shop.emu.sockets.tally.late == 1)
        assert shop.states() == ["waiting"]
        clock.advance(15)
        acknowledge(ws, read(ws))
        shop.emu.events.settle(60)
    assert shop.states() == ["delivered"]


def test_event_waits_while_nobody_is_connected(shop: Shop, clock: ManualClock) -> None:
    shop.edit()
    shop.emu.events.settle(60)
    assert shop.states() == ["waiting"]
    with shop.connected() as ws:
        clock.advance(15)
        acknowledge(ws, read(ws))
        shop.emu.events.settle(60)
    assert shop.states() == ["delivered"]


def test_dropped_connection_gets_its_events_after_the_next_one_is_made(shop: Shop, clock: ManualClock) -> None:
    with shop.connected() as ws:
        shop.edit()
        read(ws)
        assert shop.emu.sockets.drop() == 1
        shop.emu.events.settle(60)
        with pytest.raises(ConnectionClosed):
            ws.recv(timeout=60)
    with shop.connected() as ws:
        clock.advance(15)
        acknowledge(ws, read(ws))
        shop.emu.events.settle(60)
    assert shop.states() == ["delivered"]


def test_half_open_connection_takes_and_says_nothing(shop: Shop) -> None:
    with shop.connected() as ws:
        assert shop.emu.sockets.silence() == 1
        ws.send(ping())
        shop.edit()
        # settled: no answer is expected from there
        shop.emu.events.settle(60)
        assert shop.states() == ["sent"]
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.05)
    wait_until(lambda: shop.states() == ["waiting"])
    shop.emu.sockets.set_faults(half_open=True)
    with shop.connected() as ws:
        ws.send(ping())
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.05)


def test_every_third_event_is_lost_and_counted(shop: Shop) -> None:
    shop.emu.sockets.set_faults(loses_every=3)
    with shop.connected() as ws:
        for number in range(7):
            shop.edit(str(number))
        for _ in range(5):
            acknowledge(ws, read(ws))
        shop.emu.events.settle(60)
    assert shop.states() == ["delivered", "delivered", "lost"] * 2 + ["delivered"]
    assert shop.emu.sockets.tally.lost == 2


def test_two_clients_share_the_events(shop: Shop) -> None:
    counts = [0, 0]
    with shop.connected() as one, shop.connected() as other:
        wait_until(lambda: len(shop.emu.sockets.devices(shop.emu.app_id)) == 2)
        for number in range(20):
            shop.edit(str(number))
        while sum(counts) < 20:
            for place, ws in enumerate((one, other)):
                try:
                    acknowledge(ws, read_soon(ws))
                    counts[place] += 1
                except TimeoutError:
                    pass
        shop.emu.events.settle(60)
    assert all(counts)
    assert set(shop.states()) == {"delivered"}


def read_soon(ws: ClientConnection) -> Any:
    frame = Frame()
    frame.ParseFromString(ws.recv(timeout=0.05))
    return frame


def test_callback_waits_for_its_answer(shop: Shop) -> None:
    answers: list[Any] = []
    with shop.connected() as ws:
        asking = threading.Thread(
            target=lambda: answers.append(shop.emu.sockets.ask(shop.emu.app_id, {"a": 1}, timeout_seconds=60))
        )
        asking.start()
        acknowledge(ws, read(ws), data={"toast": {"content": "好"}})
        asking.join(60)
        assert shop.emu.sockets.ask(shop.emu.app_id, {"a": 2}, timeout_seconds=0.05) is None
    assert [(code, json.loads(data)) for code, data in answers] == [(200, {"toast": {"content": "好"}})]
    wait_until(lambda: not shop.emu.sockets.devices(shop.emu.app_id))
    assert shop.emu.sockets.ask(shop.emu.app_id, {"a": 3}, timeout_seconds=1) is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"AppSecret": "wrong"}, 514, id="secret"),
        pytest.param({"AppID": "cli_nobody"}, 514, id="app"),
        pytest.param({"AppSecret": ""}, 1000040344, id="nothing"),
    ],
)
def test_endpoint_refuses_who_cannot_sign_in(shop: Shop, body: dict[str, str], code: int) -> None:
    answer = shop.ask(**body)
    assert (answer.status_code, answer.json()["code"]) == (200, code)


def test_endpoint_refuses_store_apps_and_those_switched_off(shop: Shop) -> None:
    shop.emu.state.add_app("cli_store", "s", kind="store")
    assert shop.ask(AppID="cli_store", AppSecret="s").json()["code"] == 403
    shop.emu.state.set_app(shop.emu.app_id, enabled=False)
    assert shop.ask().json()["code"] == 403


def test_busy_endpoint_is_a_scripted_fault(shop: Shop) -> None:
    shop.emu.faults.add(f"POST {ENDPOINT}", code=1, status=200, msg="system busy")
    assert [shop.ask().json()["code"] for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("forbidden", {"handshake-status": "403"}),
        ("too_many", {"handshake-status": "514", "handshake-autherrcode": "1000040350"}),
        ("busy", {"handshake-status": "1"}),
    ],
)
def test_handshake_is_refused_with_headers(shop: Shop, fault: str, told: dict[str, str]) -> None:
    shop.emu.sockets.set_faults(handshake=fault)
    with pytest.raises(InvalidStatus) as refused, shop.connected():
        pass
    headers = {name.lower(): value for name, value in refused.value.response.headers.raw_items()}
    assert told.items() <= headers.items()
    assert headers["handshake-msg"]
    assert shop.emu.sockets.tally.refused == 1


def test_ticket_opens_one_connection_only(shop: Shop) -> None:
    url = shop.ask().json()["data"]["URL"]
    with connect(url), pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.headers["Handshake-Status"] == "514"


def test_request_that_is_no_handshake_is_answered(shop: Shop) -> None:
    assert httpx.get(f"{shop.emu.url}/ws/v2").status_code == 401
    url = shop.ask().json()["data"]["URL"].replace("ws://", "http://")
    assert httpx.get(url).status_code == 426


def test_noise_on_a_connection_is_counted_and_harms_nothing(shop: Shop) -> None:
    with shop.connected() as ws:
        ws.send(b"\x08")
        ws.send("text")
        ws.send(ping())
        assert headers(read(ws)) == {"type": "pong"}
    assert shop.emu.sockets.tally.malformed == 2


def test_url_and_long_connection_replace_each_other(shop: Shop) -> None:
    emu = shop.emu
    emu.state.set_event_url(emu.app_id, "http://127.0.0.1:1/x", verify=False)
    shop.edit()
    emu.state.set_long_connection(emu.app_id, event_types=[])
    shop.edit()
    emu.state.set_long_connection(emu.app_id)
    shop.edit()
    assert [each.endpoint is None for each in emu.events.log()] == [False, True]


def test_control_routes_show_and_set(shop: Shop) -> None:
    def control(method: str, path: str, **body: Any) -> Any:
        return httpx.request(method, f"{shop.emu.url}/_emulator/{path}", json=body or None).json()["result"]

    assert control("POST", "sockets/faults", loses_every=2)["loses_every"] == 2
    with shop.connected():
        assert control("GET", "sockets")["connects"] == 1
        assert control("POST", "sockets/silence") == 1
        assert control("POST", "sockets/drop") == 1
    shop.emu.reset()
    told = control("GET", "sockets")
    assert (told["connects"], told["faults"]["loses_every"]) == (0, 0)


@pytest.mark.parametrize("wrong", [{"nothing": 1}, {"loses_every": "2"}, {"handshake": "odd"}])
def test_unknown_fault_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"long connections|handshake|loses_every"):
        shop.emu.sockets.set_faults(**wrong)


OFFICIAL = """
import sys
import lark_oapi as lark
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

def told(event):
    print("event", event.event["table_id"], flush=True)

def clicked(event):
    return P2CardActionTriggerResponse({"toast": {"type": "info", "content": "seen"}})

handler = (
    lark.EventDispatcherHandler.builder("", "")
    .register_p2_customized_event("drive.file.bitable_record_changed_v1", told)
    .register_p2_card_action_trigger(clicked)
    .build()
)
lark.ws.Client(sys.argv[2], sys.argv[3], event_handler=handler, domain=sys.argv[1]).start()
"""


def test_official_client_takes_events_and_answers_clicks() -> None:
    with Emulator() as emu:
        shop = Shop(emu)
        emu.switches.update({"fragment_bytes": 100, "fragments_out_of_order": True, "ack_seconds": 60})
        command = [sys.executable, "-W", "ignore", "-c", OFFICIAL, emu.url, emu.app_id, emu.app_secret]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
            try:
                wait_until(lambda: emu.sockets.devices(emu.app_id))
                shop.edit()
                assert client.stdout is not None
                # it logs to the same place
                assert any(line.startswith(f"event {shop.table_id}") for line in client.stdout)
                emu.events.settle(60)
                click = {
                    "schema": "2.0",
                    "header": {"event_type": "card.action.trigger", "event_id": "1", "app_id": emu.app_id},
                    "event": {"action": {"tag": "button", "value": {"a": 1}}},
                }
                answer = emu.sockets.ask(emu.app_id, click, timeout_seconds=60)
            finally:
                client.kill()
        assert shop.states() == ["delivered"]
        assert answer is not None
        assert (answer[0], json.loads(answer[1])["toast"]["content"]) == (200, "seen")
