from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_lark.core.fields.users import UsersByEmail


class Directory:
    def __init__(self, **known: str) -> None:
        self.known = {f"{name}@example.com": id_ for name, id_ in known.items()}
        self.asked: list[list[str]] = []

    def find(self, emails: Sequence[str]) -> Mapping[str, str | None]:
        self.asked.append(list(emails))
        return {email: self.known[email] for email in emails if email in self.known}


def test_users_are_asked_for_once_and_all_at_once():
    directory = Directory(ann="ou_1", bob="ou_2")
    users = UsersByEmail(directory.find)
    users.look_up(["ann@example.com", "bob@example.com", "ann@example.com"])
    users.look_up(["bob@example.com"])
    assert [users.find(f"{name}@example.com") for name in ("ann", "bob")] == ["ou_1", "ou_2"]
    assert directory.asked == [["ann@example.com", "bob@example.com"]]


def test_user_whom_nobody_looked_up_is_asked_for_alone():
    directory = Directory(ann="ou_1")
    assert UsersByEmail(directory.find).find("ann@example.com") == "ou_1"
    assert directory.asked == [["ann@example.com"]]


def test_address_that_nobody_had_is_asked_for_again_only_by_the_next_look_up():
    directory = Directory()
    users = UsersByEmail(directory.find)
    users.look_up(["ann@example.com"])
    assert [users.find("ann@example.com") for _ in range(3)] == [None] * 3
    directory.known["ann@example.com"] = "ou_1"
    users.look_up(["ann@example.com"])
    assert users.find("ann@example.com") == "ou_1"
    assert len(directory.asked) == 2
