"""People: ``client.contact``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import CONTACT_BATCH_MAX, CONTACT_PAGE_MAX, GROUP_PAGE_MAX
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import (
    CONTACT_IDS,
    DEPARTMENT_PEOPLE,
    GET_USER,
    GROUP_MEMBERS,
    SUBDEPARTMENTS,
    Route,
)

P = TypeVar("P", "PeoplePage", "DepartmentPage")

_WITH_COUNTRY = len("8613011111111")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the tenant; what the app's scopes do not show is empty."""

    open_id: str
    user_id: str = ""
    union_id: str = ""
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """People."""

    items: list[Person]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class Department:
    """A department; *name* is empty without the scope ``contact:department.base:readonly``.

    :param department_id: ``od-…``.
    """

    department_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentPage:
    """Departments."""

    items: list[Department]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class MemberIdPage:
    """Members of a user group: open_ids of people, or ``od-…`` of departments."""

    items: list[str]
    has_more: bool
    page_token: str | None


class Contact(Namespace[D]):
    """The contact API."""

    @ApiCall
    def get_user(self, *, user_id: str, user_id_type: UserIdType = "open_id") -> Flow[Person]:
        """Return a person.

        :param user_id: an id of *user_id_type*.
        :raises NotFound: there is nobody of that id, or nobody whom the app may see.
        """
        body = yield from self.session.call(
            GET_USER, {"user_id": user_id}, query={"user_id_type": user_id_type}, subject=f"user {user_id}"
        )
        return _person(pick(data_of(body), "user", dict, endpoint=GET_USER.endpoint))

    @ApiPages
    def department_pages(self, *, department_id: str) -> Pages[PeoplePage]:
        """Yield the people who are directly in a department, 50 a page.

        :param department_id: ``od-…``.
        :raises AccessDenied: the department is outside the app's contact range.
        """

        def read(data: Mapping[str, Any]) -> PeoplePage:
            items = pick_objects(data, "items", {"open_id": str}, endpoint=DEPARTMENT_PEOPLE.endpoint)
            return PeoplePage([_person(each) for each in items], data["has_more"], data.get("page_token") or None)

        return self._walk(DEPARTMENT_PEOPLE, {}, {"department_id": department_id}, department_id, read)

    @ApiPages
    def subdepartment_pages(self, *, department_id: str) -> Pages[DepartmentPage]:
        """Yield all departments below one, at any depth, 50 a page.

        :param department_id: ``od-…``.
        :raises AccessDenied: the department is outside the app's contact range.
        """

        def read(data: Mapping[str, Any]) -> DepartmentPage:
            items = pick_objects(data, "items", {"open_department_id": str}, endpoint=SUBDEPARTMENTS.endpoint)
            found = [Department(each["open_department_id"], str(each.get("name") or "")) for each in items]
            return DepartmentPage(found, data["has_more"], data.get("page_token") or None)

        path = {"department_id": department_id}
        return self._walk(SUBDEPARTMENTS, path, {"fetch_child": True}, department_id, read)

    @ApiPages
    def group_pages(self, *, group_id: str, member_type: Literal["user", "department"] = "user") -> Pages[MemberIdPage]:
        """Yield the members of a user group, 100 a page: people, or departments, which stand for those in them.

        :param group_id: of the group, as the admin console shows it.
        :raises NotFound: there is no such group.
        :raises AccessDenied: the group is outside the app's contact range.
        """
        subject = f"user group {group_id}"

        def fetch(page_token: str | None) -> Flow[MemberIdPage]:
            # of departments, open_id means open_department_id
            asked: dict[str, QueryValue] = {"page_size": GROUP_PAGE_MAX, "page_token": page_token}
            asked |= {"member_type": member_type, "member_id_type": "open_id"}
            body = yield from self.session.call(GROUP_MEMBERS, {"group_id": group_id}, query=asked, subject=subject)
            data = data_of(body)
            items = pick_objects(data, "memberlist", {"member_id": str}, endpoint=GROUP_MEMBERS.endpoint)
            return MemberIdPage([each["member_id"] for each in items], data["has_more"], data.get("page_token") or None)

        return walk_pages(fetch, subject=subject)

    def _walk(
        self,
        route: Route,
        path: Mapping[str, str],
        query: Mapping[str, QueryValue],
        department_id: str,
        read: Callable[[Mapping[str, Any]], P],
    ) -> Pages[P]:
        subject = f"department {department_id}"

        def fetch(page_token: str | None) -> Flow[P]:
            asked: dict[str, QueryValue] = {"page_size": CONTACT_PAGE_MAX, "page_token": page_token}
            asked |= {"department_id_type": "open_department_id", **query}
            body = yield from self.session.call(route, path, query=asked, subject=subject)
            return read(data_of(body))

        return walk_pages(fetch, subject=subject)

    @ApiCall
    def batch_get_id(
        self,
        *,
        emails: Sequence[str] = (),
        mobiles: Sequence[str] = (),
        user_id_type: UserIdType = "open_id",
        include_resigned: bool = False,
    ) -> Flow[dict[str, str | None]]:
        """Return the id of each person by e-mail address or mobile number, None for those Lark does not know.

        50 addresses and 50 numbers a call. Only personal and login addresses are known to Lark; numbers outside
        China need their country code. ``UserDirectory`` keeps the answers.

        :param include_resigned: also people who have left.
        """
        found: dict[str, str | None] = dict.fromkeys([*emails, *mobiles])
        # Lark may show an address or a number in the spelling of its own directory
        spelled: dict[str, list[str]] = {text.lower(): [text] for text in found}
        for text in found:
            spelled.setdefault(_plain(text) or text, []).append(text)
        for start in range(0, max(len(emails), len(mobiles)), CONTACT_BATCH_MAX):
            end = start + CONTACT_BATCH_MAX
            asked: dict[str, Any] = {"emails": list(emails[start:end]), "mobiles": list(mobiles[start:end])}
            if include_resigned:
                asked["include_resigned"] = True
            body = yield from self.session.call(CONTACT_IDS, query={"user_id_type": user_id_type}, json=asked)
            for user in pick_objects(data_of(body), "user_list", {}, endpoint=CONTACT_IDS.endpoint):
                told = str(user.get("email") or user.get("mobile") or "").lower()
                for text in spelled.get(told) or spelled.get(_plain(told)) or ():
                    found[text] = user.get("user_id") or found[text]
        return found


def _person(user: Mapping[str, Any]) -> Person:
    names = ("open_id", "user_id", "union_id", "name", "email")
    return Person(**{name: str(user.get(name) or "") for name in names})


def _plain(text: str) -> str:
    if "@" in text:
        return text.strip().lower()
    digits = re.sub(r"\D", "", text)
    # the country code that Lark does not ask for; another country's number may have the same digits behind its own
    if len(digits) == _WITH_COUNTRY and digits.startswith("86"):
        return digits.removeprefix("86")
    return f"+{digits}" if text.strip().startswith("+") else digits
