"""What the page on notifiers says of that of apps."""

from __future__ import annotations

import re
from inspect import signature

import pytest

from tests.docs.pages import page


def test_every_parameter_of_the_notifier_is_told() -> None:
    from airflow_provider_lark.notifications.lark import LarkNotifier

    told = {re.split(r"\W", each)[0] for each in page("docs/notifiers.md").code()}
    assert sorted(set(signature(LarkNotifier.__init__).parameters) - {"self", "kwargs"} - told) == []


PAGES = {
    "notify_": "docs/notifiers.md",
    "sync_page_": "docs/sync-page.md",
    "receiver_": "docs/events.md",
    "hitl_": "docs/hitl.md",
    "mapping_": "docs/commands.md",
}


@pytest.mark.parametrize(("of", "path"), PAGES.items())
def test_every_setting_is_told_with_its_default(of: str, path: str) -> None:
    from airflow_provider_lark.provider_info import get_provider_info

    told = page(path).text
    known = get_provider_info()["config"]["lark"]["options"]
    assert [name for name in known if not name.startswith(tuple(PAGES))] == []
    options = {name: each for name, each in known.items() if name.startswith(of)}
    assert [name for name in options if name not in told] == []
    defaults = {name: each["default"] for name, each in options.items() if each["default"] is not None}
    assert [
        name for name, default in defaults.items() if not re.search(rf"\| `{name}`[^|]* \| `{default}` \|", told)
    ] == []
