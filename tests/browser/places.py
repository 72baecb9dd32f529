"""How tests of the emulator's page open a place and fill it, with an emulator of their own."""

from __future__ import annotations


def open_place(page, emulator, place, sign="main h1"):
    page.goto(f"{emulator.url}/_emulator/#/{place}")
    page.wait_for_selector(sign)
    return page


def send_card(page, hook, *elements):
    card = {"schema": "2.0", "body": {"elements": list(elements)}}
    answer = page.request.post(hook.url, data={"msg_type": "interactive", "card": card})
    assert answer.json()["code"] == 0, answer.text()
