"""People: ``client.contact``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import CONTACT_BATCH_MAX
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import CONTACT_IDS, GET_USER

_WITH_COUNTRY = len("8613011111111")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the tenant; what the app's scopes do not show is empty."""

    open_id: str
    user_id: str = ""
    union_id: str = ""
    name: str = ""
    email: str = ""


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
        user = pick(data_of(body), "user", dict, endpoint=GET_USER.endpoint)
        names = ("open_id", "user_id", "union_id", "name", "email")
        return Person(**{name: str(user.get(name) or "") for name in names})

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


def _plain(text: str) -> str:
    if "@" in text:
        return text.strip().lower()
    digits = re.sub(r"\D", "", text)
    # the country code that Lark does not ask for; another country's number may have the same digits behind its own
    if len(digits) == _WITH_COUNTRY and digits.startswith("86"):
        return digits.removeprefix("86")
    return f"+{digits}" if text.strip().startswith("+") else digits
