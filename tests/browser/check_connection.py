"""The form of a Lark connection, in a real browser on a real Airflow; its pictures are in docs/connections.md."""

from __future__ import annotations

import pytest

from airflow_provider_lark.provider_info import get_provider_info
from tests.browser.conftest import SHOTS

(FIELDS,) = (
    each["conn-fields"] for each in get_provider_info()["connection-types"] if each["connection-type"] == "lark"
)


@pytest.fixture
def form(page, airflow):
    page.set_viewport_size({"width": 1300, "height": 2200})
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.locator("input[name=connection_id]").fill("lark_default")
    form.get_by_role("combobox").first.click()
    page.keyboard.type("Lark / Feishu")
    page.get_by_role("option", name="Lark / Feishu", exact=True).click()
    yield form
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1300, "height": 1400})


def test_form_of_a_connection_asks_for_app_id_and_secret(page, form):
    form.locator("input[name=login]").fill("cli_a1b2c3d4e5f6")
    form.locator("input[name=password]").fill("not a real secret")
    for label in ("Host", "App ID", "App Secret"):
        assert form.get_by_text(label, exact=True).is_visible(), label
    form.get_by_text("Add Connection", exact=True).click()
    page.wait_for_timeout(1000)
    form.screenshot(path=str(SHOTS / "connection-form.png"))


def test_form_of_a_connection_asks_for_every_extra_field(page, form):
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.get_by_text(next(reversed(FIELDS.values()))["label"], exact=True).wait_for()
    for field in FIELDS.values():
        assert form.get_by_text(field["label"], exact=True).is_visible(), field["label"]
    form.locator(".monaco-editor").first.click()
    page.keyboard.press("ControlOrMeta+A")
    # the editor closes quotes and brackets by itself
    page.keyboard.insert_text('{"MyDB": "bascnExample')
    form.get_by_text("Add Connection", exact=True).click()
    # what opens and the editor of JSON have drawn themselves
    page.wait_for_timeout(2000)
    assert "SyntaxError" not in form.inner_text()
    form.screenshot(path=str(SHOTS / "connection-form-extra.png"))
