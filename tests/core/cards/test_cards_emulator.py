"""Cards that we build and check are taken by the emulator, which judges them by Lark's documents alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_lark.core.cards.markdown_card import markdown_card
from airflow_provider_lark.core.cards.writing import WEBHOOK, write_card
from airflow_provider_lark.emulator import Emulator
from tests.core.cards.ready import BARE, EVERY
from tests.core.cards.test_cards_builders import EVERYTHING

ALL = [pytest.param(*pair, id=name) for name, pair in EVERY.items()]
LITTLE = [pytest.param(*pair, id=f"{name}, few facts") for name, pair in BARE.items()]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def http(emulator: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url) as client:
        secrets = {"app_id": emulator.app_id, "app_secret": emulator.app_secret}
        answer = client.post("/open-apis/auth/v3/tenant_access_token/internal", json=secrets)
        client.headers["Authorization"] = f"Bearer {answer.json()['tenant_access_token']}"
        yield client


@pytest.fixture(scope="module")
def ann(emulator: Emulator) -> str:
    return str(emulator.state.add_user("Ann", "ann@example.com").open_id)


def send(http: httpx.Client, card: Any, open_id: str) -> dict[str, Any]:
    body = {"receive_id": open_id, "msg_type": "interactive", "content": write_card(card)}
    answer: dict[str, Any] = http.post(
        "/open-apis/im/v1/messages", params={"receive_id_type": "open_id"}, json=body
    ).json()
    return answer


PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (10).to_bytes(4, "big") + (20).to_bytes(4, "big")


def upload(http: httpx.Client, kind: str, content: bytes) -> str:
    given = {"image": {"image_type": "message"}, "file": {"file_type": "opus", "file_name": "a", "duration": "65000"}}
    answer = http.post(f"/open-apis/im/v1/{kind}s", data=given[kind], files={kind: ("x", content)}).json()
    return str(answer["data"][f"{kind}_key"])


@pytest.mark.parametrize("locale", [None, "zh_cn"])
@pytest.mark.parametrize(("make", "facts"), [*ALL, *LITTLE])
def test_ready_card_is_taken_as_a_message(
    http: httpx.Client, emulator: Emulator, ann: str, make: Any, facts: Any, locale: Any
) -> None:
    known = dataclasses.replace(facts, mentions=(ann,) if facts.mentions else ())
    answer = send(http, make(known, locale=locale), ann)
    assert answer["code"] == 0, answer
    assert set(emulator.messages[-1].mentions) <= {ann}


def test_hostile_exception_rings_nobody(http: httpx.Client, emulator: Emulator, ann: str) -> None:
    make, facts = EVERY["task failed"]
    hostile = dataclasses.replace(facts, mentions=(), exception="<at id=all></at>\n" * 9, note="<at id=all></at>")
    assert send(http, make(hostile), ann)["code"] == 0
    assert emulator.messages[-1].mentions == ()


def test_card_of_every_builder_is_taken(http: httpx.Client, emulator: Emulator, ann: str) -> None:
    keys = {"ou_1": ann, "on_2": ann, "img_v3_1": upload(http, "image", PNG), "file_v3_1": upload(http, "file", b"x")}
    text = write_card(EVERYTHING.render())
    for stands_for, key in keys.items():
        text = text.replace(stands_for, key)
    card = json.loads(text)
    answer = send(http, card, ann)
    assert answer["code"] == 0, answer
    assert WEBHOOK.measure(card) < WEBHOOK.ready_bytes


def test_markdown_with_seven_tables_is_taken_and_loses_none(http: httpx.Client, emulator: Emulator, ann: str) -> None:
    """As in 5.14."""
    text = "\n".join(f"Table {number}\n\n| a |\n|---|\n| {number} |\n" for number in range(7))
    assert send(http, markdown_card(text).render(), ann)["code"] == 0
    assert send(http, {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}]}}, ann)["code"]


@pytest.mark.parametrize(("make", "facts"), [*ALL, *LITTLE])
def test_ready_card_is_taken_by_a_webhook_bot(emulator: Emulator, make: Any, facts: Any) -> None:
    """Also with a text of half a megabyte, signature and all: a bot takes 20 KB."""
    hook = emulator.state.add_webhook(name="Alarms")
    long = {"exception": "错" * 200_000} if hasattr(facts, "exception") else {"note": "错" * 200_000}
    card = make(dataclasses.replace(facts, mentions=(), **long), carrier=WEBHOOK)
    body = {"msg_type": "interactive", "timestamp": "1599360473", "sign": "x" * 44, "card": card}
    answer = httpx.post(
        f"{emulator.url}/open-apis/bot/v2/hook/{hook.hook_id}", content=write_card(body).encode()
    ).json()
    assert answer["code"] == 0, answer
