"""The page on life outside Airflow: every application on it is built and asked, against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from airflow_provider_lark.emulator import Emulator
from tests.clocks import JumpingClock
from tests.docs.pages import Block, page

PAGE = page("docs/outside-airflow.md")


def code(heading_part: str, *, nth: int = 0) -> str:
    blocks: list[Block] = [block for block in PAGE.blocks("python") if heading_part in block.text]
    return blocks[nth].text


class Shop:
    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.app_token = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "订单", "type": 1}, {"field_name": "金额", "type": 2}]
        self.table_id = emulator.state.create_table(self.app_token, "orders", fields).table_id
        self.user = emulator.state.add_user("陈", "chen@example.com").open_id

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LARK_APP_ID": self.emulator.app_id,
            "LARK_APP_SECRET": self.emulator.app_secret,
            "LARK_HOST": self.emulator.url,
            "ORDERS_BASE": self.app_token,
            "ORDERS_TABLE": self.table_id,
            "TEAM_LEADER": self.user,
        }

    def orders(self) -> dict[str, Any]:
        records = self.emulator.person.records(self.app_token, self.table_id)
        return {record["fields"]["订单"][0]["text"]: record["fields"]["金额"] for record in records}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with Emulator() as emulator:
        shop = Shop(emulator)
        for name, value in shop.environment.items():
            monkeypatch.setenv(name, value)
        yield shop


def test_function_tells_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as emulator:
        hook = emulator.state.add_webhook(secret="demo")
        monkeypatch.setenv("GROUP_WEBHOOK", hook.url)
        monkeypatch.setenv("GROUP_WEBHOOK_SECRET", "demo")
        names = run(code("WebhookClient"))
        # a test does not wait for the rush after a half hour to pass
        names["WebhookClient"] = partial(names["WebhookClient"], clock=JumpingClock())
        names["tell_group"]("A-1001")
        assert [each.text for each in emulator.messages] == ["新订单\nA-1001"]


def run(*blocks: str) -> dict[str, Any]:
    """Run the blocks as one module and return its names."""
    names: dict[str, Any] = {"__name__": "application"}
    for block in blocks:
        exec(compile(block, "docs/outside-airflow.md", "exec"), names)
    return names


def test_script_adds_a_record_and_sends_a_message(shop: Shop) -> None:
    record_id = run(code("def main"))["main"]()
    assert shop.orders() == {"A-1001": 99.5}
    (sent,) = shop.emulator.messages
    assert (sent.receive_id, sent.text) == (shop.user, f"新订单 {record_id}")


def test_django_view_sends_a_message_and_says_what_went_wrong(shop: Shop) -> None:
    import django
    from django.conf import settings
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", ALLOWED_HOSTS=["*"])
        django.setup()
    names = run(code("def lark_client"), code("JsonResponse"))
    ask = RequestFactory()
    good = names["send_notification"](ask.post("/notify", {"user": shop.user}))
    assert good.status_code == 200
    assert b"om_" in good.content
    bad = names["send_notification"](ask.post("/notify", {"user": "ou_nobody"}))
    assert bad.status_code == 502
    assert shop.emulator.app_secret.encode() not in bad.content
    shop.emulator.stop()
    names["lark_client"]().close()


def test_flask_view_adds_a_record(shop: Shop) -> None:
    names = run(code("from flask"))
    answer = names["app"].test_client().post("/orders", json={"number": "A-7", "amount": 12})
    assert answer.json["record_id"].startswith("rec")
    assert shop.orders() == {"A-7": 12}
    names["lark"].close()


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient` is deprecated")
def test_fastapi_view_sends_a_message(shop: Shop) -> None:
    from fastapi.testclient import TestClient

    with TestClient(run(code("from fastapi"))["app"]) as web:
        answer = web.post("/notifications", params={"user": shop.user, "message": "你好"})
    assert answer.json()["message_id"].startswith("om_")
    assert [message.text for message in shop.emulator.messages] == ["你好"]
