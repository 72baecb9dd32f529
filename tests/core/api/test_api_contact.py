"""Departments: their people and the departments below them, by pages."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.errors import AccessDenied
from airflow_provider_lark.emulator import Emulator


def test_people_of_a_department_come_by_pages_and_those_below_at_any_depth(emu: Emulator, lark: LarkClient) -> None:
    people = [emu.state.add_user(f"P{at}") for at in range(120)]
    top = emu.state.add_department("Data", [each.open_id for each in people])
    sub = emu.state.add_department("Sub", parent_id=top)
    deep = emu.state.add_department("Deep", [people[0].open_id], parent_id=sub)
    pages = list(lark.contact.department_pages(department_id=top))
    assert [len(each.items) for each in pages] == [50, 50, 20]
    assert {each.user_id for page in pages for each in page.items} == {each.user_id for each in people}
    (below,) = lark.contact.subdepartment_pages(department_id=top)
    assert [(each.department_id, each.name) for each in below.items] == [(sub, "Sub"), (deep, "Deep")]
    with pytest.raises(AccessDenied, match="outside the app's contact range"):
        list(lark.contact.department_pages(department_id="od-unknown"))
