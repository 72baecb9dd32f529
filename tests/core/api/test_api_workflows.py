"""client.workflows against the emulator: pages, what a lost answer leaves behind, and both clients alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.errors import BadRequest, UnexpectedAnswer
from airflow_provider_lark.emulator import Emulator
from tests.clocks import JumpingClock


@pytest.fixture
def shop() -> Any:
    with Emulator() as emu:
        base = emu.state.create_base("Shop")
        emu.state.create_table(base.app_token, "goods", [{"field_name": "Name", "type": 1}])
        yield emu, base


def open_client(emu: Emulator) -> LarkClient:
    return LarkClient(emu.app_id, emu.app_secret, host=emu.url, clock=JumpingClock(), rate_share=None)


def test_automations_beyond_a_page_are_read(shop: Any) -> None:
    emu, base = shop
    with open_client(emu) as client:
        made = [
            client.workflows.create(app_token=base.app_token, title=f"flow {number}", steps=[]).workflow_id
            for number in range(101)
        ]
        pages = list(client.workflows.pages(app_token=base.app_token))
    assert [len(page.items) for page in pages] == [100, 1]
    assert [each.workflow_id for page in pages for each in page.items] == made


@pytest.mark.parametrize("action", ["drop_after", "error_after", "bad_json"])
def test_create_whose_answer_is_lost_makes_one(shop: Any, action: str) -> None:
    emu, base = shop
    emu.faults.add("POST .*/workflows$", action=action, code=2200)
    with open_client(emu) as client:
        made = client.workflows.create(app_token=base.app_token, title="flow", steps=[])
    assert list(base.workflows) == [made.workflow_id]


def test_life_of_an_automation_on_an_event_loop(shop: Any) -> None:
    emu, base = shop

    async def live() -> list[Any]:
        seen: list[Any] = []
        async with AsyncLarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
            flows, token = client.workflows, base.app_token
            made = await flows.create(app_token=token, title="flow", steps=[])
            one = {"app_token": token, "workflow_id": made.workflow_id}
            await flows.enable(**one)
            seen.append((await flows.get(**one)).is_enabled)
            steps = [{"id": "wait", "type": "Delay", "next": None, "data": {"duration": 1}}]
            seen.append((await flows.update(**one, title="mine", steps=steps)).steps[0]["type"])
            await flows.disable(**one)
            seen.append(
                [
                    (each.title, each.is_enabled, each.trigger_type)
                    async for page in flows.pages(app_token=token)
                    for each in page.items
                ]
            )
            (block,) = [each for each in await flows.blocks(app_token=token) if each.type == "workflow"]
            await flows.delete_block(app_token=token, block_id=block.block_id)
            with pytest.raises(BadRequest, match="a part of the request"):
                await flows.create(app_token=token, title="x", steps=[{"id": "a", "type": "No", "data": {}}])
            emu.switches.serves_workflows = False
            with pytest.raises(UnexpectedAnswer, match="does not know this API"):
                await flows.blocks(app_token=token)
        return seen

    assert asyncio.run(live()) == [True, "Delay", [("mine", False, "Delay")]]
    assert base.workflows == {}
