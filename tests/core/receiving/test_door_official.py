"""The same bytes into the official SDK and into our door: both take them, with the same content, or neither does."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.receiving.door import Challenge, Door
from airflow_provider_lark.core.receiving.refusal import Refused
from tests.core.receiving.sealing import click, dump, encrypt, event, old_click, signed, signed_click
from tests.official import official_modules

CASES = 1_000
KEY, TOKEN, AT = "test key", "vtoken", 1_599_360_473


@dataclass
class Case:
    """One request, and what its app is set to."""

    kind: str
    mutation: str
    body: bytes
    headers: dict[str, str]
    key: str
    token: str

    def ours(self) -> object:
        door = Door(
            "cli_1",
            encrypt_key=Secret(self.key) if self.key else None,
            verification_token=Secret(self.token) if self.token else None,
        )
        try:
            taken = door.receive(self.body, self.headers, now_ms=AT * 1000)
        except Refused:
            return None
        return taken.answer if isinstance(taken, Challenge) else taken.body

    def theirs(self, sdk: Any) -> object:
        return sdk(self.kind, self.body, self.headers, self.key, self.token)


@pytest.fixture(scope="module")
def sdk() -> Any:
    names = ("core.model", "core.json", "card.action_handler", "event.dispatcher_handler")
    model, json_, cards, events = official_modules(*names)
    logging.getLogger("Lark").setLevel(logging.CRITICAL)

    def ask(kind: str, body: bytes, headers: dict[str, str], key: str, token: str) -> object:
        seen: list[object] = []
        request = model.RawRequest()
        request.uri, request.body, request.headers = "/", body, headers
        if kind == "old_click":
            handler = cards.CardActionHandler.builder(key, token).register(lambda card: seen.append(card)).build()
        else:
            builder = events.EventDispatcherHandler.builder(key, token)
            builder.register_p2_customized_event("some.event_v1", lambda data: seen.append(data))
            builder.register_p1_customized_event("old_event", lambda data: seen.append(data))
            builder.register_p2_card_action_trigger(lambda data: seen.append(data) or {})
            handler = builder.build()
        try:
            answer = handler.do(request)
        except UnicodeDecodeError:
            # its handler of cards writes the body into a log line before it looks at it
            return None
        if answer.status_code != 200:
            return None
        return json.loads(json_.JSON.marshal(seen[0])) if seen else json.loads(answer.content)

    return ask


def make(chance: random.Random) -> Case:
    kind = chance.choice(["event", "old_event", "click", "old_click", "challenge"])
    key = chance.choice([KEY, ""]) if kind != "old_click" else ""
    # with a key alone the SDK refuses whatever carries a token, and Lark's deliveries all do; the door goes by the key
    plain = _payload(chance, kind, TOKEN if chance.random() < 0.8 else chance.choice(["forged", "", "vtoke"]))
    raw = dump(plain)
    sent_key = chance.choice([KEY, KEY, KEY, "another key"]) if key else ""
    body = encrypt(raw, sent_key, chance.randbytes(16)) if sent_key else raw
    headers = {}
    if kind == "old_click":
        headers = signed_click(body, chance.choice([TOKEN, TOKEN, "other"]), at=AT)
    elif sent_key and kind != "challenge":
        headers = signed(body, chance.choice([sent_key, sent_key, sent_key, "x"]), at=AT, nonce=str(chance.random()))
    mutation = chance.choice(["none"] * 4 + ["flip", "cut", "drop", "nonce", "space"])
    return Case(kind, mutation, *_mutate(chance, mutation, body, headers), key, TOKEN)


def _payload(chance: random.Random, kind: str, token: str) -> dict[str, Any]:
    content = {
        "文字": chance.choice(["a", "中文", "😀", "\u0000", "\\u4e2d"]),
        "n": chance.choice([1, 1.5, -7, None, True]),
    }
    if kind == "challenge":
        return {"challenge": str(chance.random()), "token": token, "type": "url_verification"}
    if kind == "old_event":
        inner = {"type": "old_event", "app_id": "cli_1", **content}
        return {"uuid": "u1", "token": token, "ts": "1599360473.5", "type": "event_callback", "event": inner}
    if kind == "old_click":
        return old_click(content)
    if kind == "click":
        body = click(content)
        body["header"]["token"] = token
        return body
    body = event(event_type="some.event_v1", token=token)
    body["event"] = content
    return body


def _mutate(chance: random.Random, mutation: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    if mutation == "flip" and headers:  # nothing protects what is not signed
        at = chance.randrange(len(body))
        body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    elif mutation == "cut":
        body = body[: chance.randrange(len(body))]
    elif mutation == "drop" and headers:
        headers = {name: value for name, value in headers.items() if name != chance.choice(sorted(headers))}
    elif mutation == "nonce" and headers:
        headers = {**headers, "X-Lark-Request-Nonce": "another"}
    elif mutation == "space":
        body = body.replace(b": ", b":", 1)
    return body, headers


def test_door_and_official_dispatchers_agree(sdk: Any) -> None:
    chance = random.Random(10)
    taken = 0
    for number in range(CASES):
        case = make(chance)
        ours, theirs = case.ours(), case.theirs(sdk)
        assert (ours is None) == (theirs is None), f"case {number}: ours {ours!r}, theirs {theirs!r}, {case}"
        taken += ours is not None
        if ours is not None and case.kind in ("event", "challenge", "old_event"):
            assert _content(ours) == _content(theirs), f"case {number}: {case}"
    assert CASES * 0.3 < taken < CASES * 0.7, "both sides of the door must be tried"


def _content(body: Any) -> object:
    content = body.get("event", body)
    # the SDK leaves out what is null when it shows what it read
    return {name: value for name, value in content.items() if value is not None}
