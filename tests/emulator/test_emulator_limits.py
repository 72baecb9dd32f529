"""Rate limits: which, how they are answered, and that our client never meets them (lark-api §1.5, §2.2)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.emulator import Emulator, ManualClock
from airflow_provider_lark.emulator.serving.dispatch import ROUTES

APPS = "/open-apis/bitable/v1/apps"
TABLE = f"{APPS}/:app_token/tables/:table_id"
DOCUMENTED = {
    f"POST {APPS}": [(20, 60)],
    f"GET {APPS}/:app_token": [(20, 1)],
    f"PUT {APPS}/:app_token": [(10, 1)],
    f"POST {APPS}/:app_token/copy": [(20, 60)],
    f"GET {APPS}/:app_token/tables": [(20, 1)],
    f"POST {APPS}/:app_token/tables": [(10, 1)],
    f"POST {APPS}/:app_token/tables/batch_create": [(10, 1)],
    f"POST {APPS}/:app_token/tables/batch_delete": [(10, 1)],
    f"PATCH {TABLE}": [(10, 1)],
    f"DELETE {TABLE}": [(10, 1)],
    f"GET {TABLE}/fields": [(20, 1)],
    f"POST {TABLE}/fields": [(10, 1)],
    f"PUT {TABLE}/fields/:field_id": [(10, 1)],
    f"DELETE {TABLE}/fields/:field_id": [(10, 1)],
    f"GET {TABLE}/views": [(20, 1)],
    f"POST {TABLE}/views": [(10, 1)],
    f"GET {TABLE}/views/:view_id": [(20, 1)],
    f"PATCH {TABLE}/views/:view_id": [(10, 1)],
    f"DELETE {TABLE}/views/:view_id": [(10, 1)],
    f"POST {TABLE}/records/search": [(20, 1)],
    f"POST {TABLE}/records/batch_get": [(20, 1)],
    f"POST {TABLE}/records": [(50, 1)],
    f"POST {TABLE}/records/batch_create": [(50, 1)],
    f"PUT {TABLE}/records/:record_id": [(50, 1)],
    f"POST {TABLE}/records/batch_update": [(50, 1)],
    f"DELETE {TABLE}/records/:record_id": [(50, 1)],
    f"POST {TABLE}/records/batch_delete": [(50, 1)],
    f"GET {TABLE}/records": [(20, 1)],
    f"GET {TABLE}/records/:record_id": [(20, 1)],
    "POST /open-apis/contact/v3/users/batch_get_id": [(50, 1), (1000, 60)],
    "GET /open-apis/contact/v3/users/:user_id": [(50, 1), (1000, 60)],
    "GET /open-apis/contact/v3/users/find_by_department": [(50, 1), (1000, 60)],
    "GET /open-apis/contact/v3/departments/:department_id/children": [(50, 1), (1000, 60)],
    "GET /open-apis/contact/v3/group/:group_id/member/simplelist": [(50, 1), (1000, 60)],
    "GET /open-apis/wiki/v2/spaces/get_node": [(100, 60)],
    "POST /open-apis/drive/v1/medias/upload_all": [(5, 1)],
    "POST /open-apis/drive/v1/medias/upload_part": [(5, 1)],
    "POST /open-apis/drive/v1/files/:file_token/subscribe": [(50, 1), (1000, 60)],
    "GET /open-apis/drive/v1/files/:file_token/get_subscribe": [(10, 60)],
    "DELETE /open-apis/drive/v1/files/:file_token/delete_subscribe": [(10, 60)],
    "POST /open-apis/im/v1/messages": [(50, 1), (1000, 60)],
}
"""From the reference's tables, not from the emulator."""

RATES = {each.target: each.rates for each in ROUTES}


@pytest.mark.parametrize("target", sorted(DOCUMENTED))
def test_rates_of_a_route_are_the_documented_ones(target: str) -> None:
    assert [(rate.most, rate.period_seconds) for rate in RATES[target]] == DOCUMENTED[target]


@pytest.mark.parametrize(
    "route",
    [pytest.param(each, id=each.endpoint) for each in vars(routes).values() if isinstance(each, routes.Route)],
)
def test_quota_of_our_client_fits_under_the_rates(route: routes.Route) -> None:
    if route.quota is None:
        return
    for rate in RATES[route.endpoint]:
        burst = route.quota.burst or route.quota.calls
        per_second = route.quota.calls / route.quota.seconds
        assert min(burst, route.quota.calls) <= rate.most
        assert per_second <= rate.most / rate.period_seconds


@pytest.mark.parametrize("status", [429, 400])
def test_call_over_the_rate_gets_its_code_and_headers(caller: Any, status: int) -> None:
    caller.emu.switches.update({"rate_limits": True, "limited_status": status})

    answers = [caller.raw("GET", f"{caller.table}/fields") for _ in range(21)]

    assert [each.status_code for each in answers] == [200] * 20 + [status]
    assert answers[-1].json()["code"] == 99991400
    assert answers[-1].headers["x-ogw-ratelimit-limit"] == "20"
    assert answers[-1].headers["x-ogw-ratelimit-reset"] == "1"
    assert not any("x-ogw-ratelimit-limit" in each.headers for each in answers[:-1])


def test_waiting_as_long_as_the_header_says_is_enough(caller: Any, clock: ManualClock) -> None:
    caller.emu.switches.rate_limits = True
    answer = next(each for _ in range(99) if (each := caller.raw("POST", APPS, {"name": "b"})).status_code != 200)

    assert answer.headers["x-ogw-ratelimit-reset"] == "3"  # 20 a minute: one in three seconds
    clock.advance(2.9)
    assert caller.code("POST", APPS, {"name": "b"}) == 99991400
    clock.advance(0.1)
    assert caller.code("POST", APPS, {"name": "b"}) == 0


def test_routes_and_apps_have_buckets_of_their_own(caller: Any) -> None:
    caller.emu.switches.rate_limits = True
    codes = [caller.code("GET", f"{caller.table}/fields") for _ in range(21)]
    assert codes[-1] == 99991400

    assert caller.code("GET", f"{caller.table}/views") == 0
    caller.emu.state.add_app("cli_other", "secret")
    answer = caller.http.post(
        "/open-apis/auth/v3/tenant_access_token/internal", json={"app_id": "cli_other", "app_secret": "secret"}
    )
    caller.headers = {"Authorization": f"Bearer {answer.json()['tenant_access_token']}"}
    assert caller.code("GET", f"{caller.table}/fields") == 0


def test_both_rates_of_a_route_hold(caller: Any, clock: ManualClock) -> None:
    caller.emu.switches.rate_limits = True
    body: dict[str, Any] = {"emails": []}
    limits = []
    for _ in range(40):
        for _ in range(50):
            answer = caller.raw("POST", "/open-apis/contact/v3/users/batch_get_id", body)
            if answer.status_code != 200:
                limits.append(answer.headers["x-ogw-ratelimit-limit"])
                break
        if limits:
            break
        clock.advance(1)

    # 50 a second pass until the minute's thousand, which refill by 16.7 a second, are used up
    assert limits == ["1000"]


def test_rates_are_on_from_the_start_when_asked_for() -> None:
    with Emulator(rate_limits=True) as emu:
        assert emu.switches.rate_limits is True
        emu.switches.rate_limits = False
        emu.reset()
        assert emu.switches.rate_limits is True


def test_command_turns_rates_on() -> None:
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0", "--rate-limits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        switches = httpx.get(f"{url}/_emulator/switches", verify=False).json()["result"]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=600)

    assert switches["rate_limits"] is True


class SharedClock(ManualClock):
    """The emulator's clock as the client's: waiting moves both."""

    def monotonic(self) -> float:
        return self.now()

    async def sleep_async(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


def test_our_client_never_meets_a_rate() -> None:
    clock = SharedClock()
    with (
        Emulator(clock=clock, rate_limits=True) as emu,
        LarkClient(emu.app_id, emu.app_secret, emu.url, clock=clock) as client,
    ):
        base = emu.state.create_base("Shop")
        table = emu.state.create_table(base.app_token, "goods", [{"field_name": "Name", "type": 1}])
        place = {"app_token": base.app_token, "table_id": table.table_id}
        # each gets one text: what one receiver takes in a second is a limit of its own
        people = [emu.state.add_user(f"p{n}") for n in range(70)]
        calls: list[Callable[[], Any]] = [
            lambda: client.bitable.create_record(**place, fields={"Name": "a"}),
            lambda: client.bitable.list_fields(**place),
            lambda: list(client.bitable.search_pages(**place)),
            lambda: client.contact.batch_get_id(emails=["ann@example.com"]),
            lambda: client.messaging.send_text(receiver_id=people.pop().open_id, content="hi"),
            lambda: client.drive.is_subscribed(app_token=base.app_token),
            lambda: client.bitable.create_app(name="b"),
        ]
        for call in calls:
            for _ in range(70):
                call()

        assert {each.code for each in emu.log} == {0}
        assert _crowded(emu) == []


def _crowded(emu: Emulator) -> list[str]:
    """Routes of which some window of a rate's length saw more calls than the rate: stricter than a bucket."""
    crowded = []
    for target, rates in RATES.items():
        times = [each.at_ms for each in emu.log if f"{each.method} {each.template}" == target]
        for rate in rates:
            counts = [n + 1 - bisect_left(times, at - rate.period_seconds * 1000 + 1) for n, at in enumerate(times)]
            if max(counts, default=0) > rate.most:
                crowded.append(f"{target}: {max(counts)} in {rate.period_seconds} s")
    return crowded
