"""Departments and user groups: who is in them, by pages."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.errors import AccessDenied, BadRequest, NotFound
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


def test_members_of_a_user_group_come_by_pages_people_apart_from_departments(emu: Emulator, lark: LarkClient) -> None:
    people = [emu.state.add_user(f"P{at}").open_id for at in range(120)]
    department = emu.state.add_department("Data")
    group = emu.state.add_user_group("Approvers", people, departments=[department])
    emu.state.resign(people[0])
    pages = list(lark.contact.group_pages(group_id=group))
    assert [len(each.items) for each in pages] == [100, 19]
    assert [open_id for page in pages for open_id in page.items] == people[1:]
    (departments,) = lark.contact.group_pages(group_id=group, member_type="department")
    assert departments.items == [department]
    with pytest.raises(NotFound, match="user group g0"):
        list(lark.contact.group_pages(group_id="g0"))
    emu.faults.add("/member/simplelist", code=42009)
    with pytest.raises(AccessDenied, match="outside the app's contact range"):
        list(lark.contact.group_pages(group_id=group))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"member_type": "robot"}, 41074),
        ({"member_id_type": "email"}, 41071),
        ({"member_type": "department", "member_id_type": "user_id"}, 41072),
        ({"page_size": 101}, 40011),
        ({"page_token": "x"}, 40012),
    ],
)
def test_emulator_refuses_what_a_user_group_cannot_be_asked(
    emu: Emulator, lark: LarkClient, asked: dict[str, Any], code: int
) -> None:
    path = f"/open-apis/contact/v3/group/{emu.state.add_user_group('Approvers')}/member/simplelist"
    with pytest.raises(BadRequest) as caught:
        lark.call("GET", path, query=asked)
    assert caught.value.code == code
