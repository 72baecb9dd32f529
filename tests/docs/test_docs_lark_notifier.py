"""What the page on messages says of the notifier of apps."""

from __future__ import annotations

import re
from inspect import signature

from tests.docs.pages import page


def test_every_parameter_of_the_notifier_is_told() -> None:
    from airflow_provider_lark.notifications.lark import LarkNotifier

    told = {re.split(r"\W", each)[0] for each in page("docs/messages.md").code()}
    assert sorted(set(signature(LarkNotifier.__init__).parameters) - {"self", "kwargs"} - told) == []
