"""The card of a sync that is not well, on the emulator's page: red while the trouble goes on, green when it is over."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.core.sync.health.limits import Limits
from airflow_provider_lark.core.sync.health.watch import Watch
from airflow_provider_lark.emulator import Emulator
from tests.browser.conftest import SHOTS

ENTRY = "INSERT INTO sync_queue (table_name, record_id, operation, status) VALUES ('orders', :key, :operation, :status)"


@pytest.fixture
def watched(tmp_path):
    """A chat, what looks at a mapping for it, and the mapping's ledger."""
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    migrate.upgrade(engine)
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, host=emu.url) as client:
        chat_id = emu.state.add_chat("Data alerts", [emu.state.add_user("林晓 Lin").open_id])
        limits = Limits(pending=20, oldest_seconds=600, silence_seconds=3600)
        watch = Watch("订单 orders", "orders", limits, receive_id=chat_id, good_wanted=1)
        yield lambda: watch.check(client, engine, SystemClock()), engine, f"{emu.url}/_emulator/#/chat/{chat_id}"
    engine.dispose()


def test_card_is_red_while_the_trouble_goes_on_and_green_when_it_is_over(watched, plain_page):
    look, engine, url = watched
    with engine.begin() as conn:
        entries = [{"key": str(n), "operation": "UPDATE", "status": "pending"} for n in range(1204)]
        entries += [{"key": f"d{n}", "operation": "DELETE", "status": "held"} for n in range(30)]
        conn.execute(text(ENTRY), entries)
    assert not look().is_well
    SHOTS.mkdir(parents=True, exist_ok=True)
    plain_page.set_viewport_size({"width": 1000, "height": 700})
    plain_page.goto(url)
    card = plain_page.locator(".card").first
    card.get_by_text("Sync of 订单 orders is not well").wait_for()
    assert card.get_by_text("1,204 (limit 20)").count() == 1
    card.screenshot(path=str(SHOTS / "card-health.png"))
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM sync_queue"))
        conn.execute(
            text(
                "INSERT INTO sync_run (table_name, mapping, run_id, operation, status) "
                "VALUES ('orders', 'orders', 'r', 'incremental', 'ok')"
            )
        )
    assert look().is_well
    card.get_by_text("Sync of 订单 orders is well again").wait_for()
    assert plain_page.locator(".card").count() == 1
    card.screenshot(path=str(SHOTS / "card-health-green.png"))
