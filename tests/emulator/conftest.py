"""A running emulator, a caller with a token, and a table to work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from airflow_provider_lark.emulator import Emulator, ManualClock
from tests.emulator.listener import Listener

FIELDS: list[dict[str, Any]] = [
    {"field_name": "Name", "type": 1},
    {"field_name": "Qty", "type": 2},
    {"field_name": "Kind", "type": 3},
    {"field_name": "Tags", "type": 4},
    {"field_name": "Day", "type": 5},
    {"field_name": "Ok", "type": 7},
    {"field_name": "Changed", "type": 1002},
]


@dataclass
class Caller:
    """Plain HTTP against the emulator, as any client would do it."""

    emu: Emulator
    http: httpx.Client
    app_token: str
    table_id: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return f"/open-apis/bitable/v1/apps/{self.app_token}/tables/{self.table_id}"

    @property
    def records(self) -> str:
        return f"{self.table}/records"

    def login(self) -> None:
        answer = self.http.post(
            "/open-apis/auth/v3/tenant_access_token/internal",
            json={"app_id": self.emu.app_id, "app_secret": self.emu.app_secret},
        )
        self.headers = {"Authorization": f"Bearer {answer.json()['tenant_access_token']}"}

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.raw(method, path, json, **params).json()
        return answer

    def raw(self, method: str, path: str, json: Any = None, **params: Any) -> httpx.Response:
        return self.http.request(method, path, json=json, params=params, headers=self.headers)

    def search(self, json: Any = None, **params: Any) -> dict[str, Any]:
        answer = self.call("POST", f"{self.records}/search", json or {}, **params)
        assert answer["code"] == 0, answer
        data: dict[str, Any] = answer["data"]
        return data

    def create(self, *rows: dict[str, Any], **params: Any) -> list[str]:
        body = {"records": [{"fields": each} for each in rows]}
        answer = self.call("POST", f"{self.records}/batch_create", body, **params)
        assert answer["code"] == 0, answer
        return [each["record_id"] for each in answer["data"]["records"]]

    def code(self, method: str, path: str, json: Any = None, **params: Any) -> int:
        code: int = self.call(method, path, json, **params)["code"]
        return code

    def names(self, data: dict[str, Any]) -> list[str]:
        return [each["fields"]["Name"][0]["text"] for each in data["items"]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_767_225_600.0)  # 2026-01-01 00:00:00 UTC


@pytest.fixture
def emu(clock: ManualClock) -> Iterator[Emulator]:
    with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def caller(emu: Emulator) -> Iterator[Caller]:
    base = emu.state.create_base("Shop")
    table = emu.state.create_table(base.app_token, "goods", FIELDS)
    # building a TLS context takes longer than most tests here
    with httpx.Client(base_url=emu.url, timeout=60, verify=False) as http:
        made = Caller(emu, http, base.app_token, table.table_id)
        made.login()
        yield made


@pytest.fixture
def listener() -> Iterator[Listener]:
    """An app's request URL."""
    made = Listener()
    yield made
    made.stop()
