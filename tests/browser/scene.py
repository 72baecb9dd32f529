"""What the page of the emulator is looked at with: a chat of every ready card, messages of every type, tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from airflow_provider_lark.core.cards.writing import write_card
from airflow_provider_lark.emulator import Emulator
from tests.browser.scene_ready import ready_cards


@dataclass
class Scene:
    """A filled emulator, and how to send into it."""

    emulator: Emulator
    http: httpx.Client

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = self.http.request(method, f"/open-apis/im/v1/{path}", json=body, params=query).json()
        assert answer["code"] == 0, answer
        return answer["data"]

    def send(self, chat_id: str, msg_type: str, content: Any) -> str:
        given = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        body = {"receive_id": chat_id, "msg_type": msg_type, "content": given}
        return str(self.call("POST", "messages", body, receive_id_type="chat_id")["message_id"])

    def send_card(self, chat_id: str, card: Any) -> str:
        return self.send(chat_id, "interactive", write_card(card))

    def upload(self, kind: str, content: bytes, **data: str) -> str:
        answer = self.http.post(f"/open-apis/im/v1/{kind}s", data=data, files={kind: (f"a.{kind}", content)}).json()
        assert answer["code"] == 0, answer
        return str(answer["data"][f"{kind}_key"])


@contextmanager
def open_scene() -> Iterator[Scene]:
    """Start an emulator, with a client that has a token."""
    with Emulator() as emulator, httpx.Client(base_url=emulator.url, trust_env=False, timeout=30.0) as http:
        secrets = {"app_id": emulator.app_id, "app_secret": emulator.app_secret}
        token = http.post("/open-apis/auth/v3/tenant_access_token/internal", json=secrets).json()
        http.headers["Authorization"] = f"Bearer {token['tenant_access_token']}"
        emulator.state.apps[emulator.app_id].name = "Airflow"
        yield Scene(emulator, http)


def fill_cards(scene: Scene, open_id: str) -> dict[str, str]:
    """Send every ready card into a chat; returns message ids by the cards' names, and the chat's as ``chat``."""
    chat = scene.emulator.state.add_chat("数据告警 data alerts", [open_id])
    sent = {"chat": chat}
    for name, (make, facts) in ready_cards().items():
        known = dataclasses.replace(facts, mentions=(open_id,)) if "failed" in name else facts
        sent[name] = scene.send_card(chat, make(known))
    return sent


def fill_talk(scene: Scene, open_id: str, png: bytes) -> str:
    """Send messages of every type into a chat; returns its id."""
    state = scene.emulator.state
    chat = state.add_chat("每日例会 daily", [open_id])
    asked = state.write_message(chat, open_id, "<script>alert(1)</script> 昨天的订单导入完成了吗？")
    text = scene.send(
        chat, "text", {"text": f'<at user_id="{open_id}">x</at> <b>done</b>: 1,204 rows https://example.com/run'}
    )
    scene.call("POST", f"messages/{text}/reactions", {"reaction_type": {"emoji_type": "THUMBSUP"}})
    state.read_message(text, open_id)
    reply = {
        "msg_type": "text",
        "content": json.dumps({"text": "in the thread: *not bold* <b>bold</b>"}),
        "reply_in_thread": True,
    }
    scene.call("POST", f"messages/{asked}/reply", reply)
    answer = {"msg_type": "text", "content": json.dumps({"text": "a plain reply"})}
    scene.call("POST", f"messages/{text}/reply", answer)
    image = scene.upload("image", png, image_type="message")
    parts = [
        [
            {"tag": "text", "text": "Bold ", "style": ["bold"]},
            {"tag": "a", "text": "link", "href": "https://example.com"},
        ],
        [{"tag": "at", "user_id": open_id}, {"tag": "text", "text": " 请看 <b>not bold</b>"}],
        [{"tag": "code_block", "language": "SQL", "text": "SELECT 1 < 2"}],
        [{"tag": "md", "text": "**md** of a post\n- one\n- two"}],
    ]
    scene.send(chat, "post", {"zh_cn": {"title": "昨日报表", "content": parts}})
    scene.send(chat, "image", {"image_key": image})
    document = scene.upload("file", b"a,b\n1,2\n", file_type="stream", file_name="orders.csv")
    scene.send(chat, "file", {"file_key": document})
    scene.send(chat, "sticker", {"file_key": state.add_sticker()})
    scene.send(chat, "share_user", {"user_id": open_id})
    scene.send(chat, "share_chat", {"chat_id": chat})
    gone = scene.send(chat, "text", {"text": "a slip"})
    scene.call("DELETE", f"messages/{gone}")
    edited = scene.send(chat, "text", {"text": "teh total"})
    scene.call("PUT", f"messages/{edited}", {"msg_type": "text", "content": json.dumps({"text": "the total is 1,204"})})
    hook = state.add_webhook(chat, name="Alarms")
    old = {
        "header": {"title": {"tag": "plain_text", "content": "A card of JSON 1.0"}, "template": "turquoise"},
        "elements": [
            {"tag": "div", "text": {"tag": "lark_md", "content": "**lark_md** and *more*"}, "fields": [
                {"is_short": True, "text": {"tag": "lark_md", "content": "**DAG**\norders_daily"}},
                {"is_short": True, "text": {"tag": "lark_md", "content": "**Try**\n3 of 3"}},
            ]},
            {"tag": "hr"},
            {"tag": "action", "actions": [
                {"tag": "button", "text": {"tag": "plain_text", "content": "Open"}, "type": "primary", "url": "https://example.com"},
                {"tag": "button", "text": {"tag": "plain_text", "content": "Retry"}, "value": {"go": 1}},
            ]},
            {"tag": "note", "elements": [{"tag": "plain_text", "content": "sent by a webhook bot"}]},
        ],
    }  # fmt: skip
    scene.http.post(f"/open-apis/bot/v2/hook/{hook.hook_id}", json={"msg_type": "interactive", "card": old})
    scene.call(
        "POST",
        "messages/merge_forward",
        {"receive_id": chat, "message_id_list": [text, edited]},
        receive_id_type="chat_id",
    )
    return str(chat)


def fill_tables(scene: Scene, open_id: str) -> tuple[str, str, str]:
    """Make a table with a field of each kind, and one of 50,000 records; returns base and both tables."""
    state = scene.emulator.state
    base = state.create_base("订单 orders").app_token
    states = [{"name": name, "color": color} for name, color in (("新建", 0), ("已付款", 3), ("late", 7))]
    fields: list[dict[str, Any]] = [
        {"field_name": "订单号", "type": 1},
        {"field_name": "状态", "type": 3, "property": {"options": states}},
        {"field_name": "标签", "type": 4},
        {"field_name": "金额", "type": 2},
        {"field_name": "完成度", "type": 2, "ui_type": "Progress"},
        {"field_name": "评分", "type": 2, "ui_type": "Rating"},
        {"field_name": "日期", "type": 5, "property": {"date_formatter": "yyyy/MM/dd"}},
        {"field_name": "已核对", "type": 7},
        {"field_name": "负责人", "type": 11},
        {"field_name": "电话", "type": 13},
        {"field_name": "链接", "type": 15},
        {"field_name": "更新", "type": 1002},
    ]
    table = state.create_table(base, "orders", fields).table_id
    rows = [
        {
            "订单号": f"A-{17 + at}" if at != 25 else "<img src=x onerror=alert(1)>",
            "状态": states[at % 3]["name"],
            "标签": ["加急", "vip"][: at % 3],
            "金额": 128.5 * (at + 1),
            "完成度": (at % 11) / 10,
            "评分": at % 6,
            "日期": 1_764_115_200_000 + at * 86_400_000,
            "已核对": at % 2 == 0,
            "负责人": [{"id": open_id}],
            "电话": f"1380000{at:04d}",
            "链接": {"text": "example", "link": f"https://example.com/{at}"},
        }
        for at in range(30)
    ]
    scene.emulator.person.add_records(base, table, rows)
    large = state.create_table(
        base, "many", [{"field_name": "Name", "type": 1}, {"field_name": "Qty", "type": 2}]
    ).table_id
    scene.emulator.person.add_records(base, large, [{"Name": f"row {at}", "Qty": at} for at in range(50_000)])
    return base, table, large
