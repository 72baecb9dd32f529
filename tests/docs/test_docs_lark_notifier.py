"""What the page on notifiers says of that of apps."""

from __future__ import annotations

import re
from inspect import signature

from tests.docs.pages import page


def test_every_parameter_of_the_notifier_is_told() -> None:
    from airflow_provider_lark.notifications.lark import LarkNotifier

    told = {re.split(r"\W", each)[0] for each in page("docs/notifiers.md").code()}
    assert sorted(set(signature(LarkNotifier.__init__).parameters) - {"self", "kwargs"} - told) == []


def test_every_setting_of_notifications_is_told_with_its_default() -> None:
    from airflow_provider_lark.provider_info import get_provider_info

    options = get_provider_info()["config"]["lark"]["options"]
    told = page("docs/notifiers.md").text
    assert [name for name in options if name not in told] == []
    defaults = {name: each["default"] for name, each in options.items() if each["default"] is not None}
    assert [name for name, default in defaults.items() if f"| `{name}` | `{default}` |" not in told] == []
