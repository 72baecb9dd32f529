"""People: ``client.contact``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.wire.answers import data_of, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import CONTACT_BATCH_MAX
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import CONTACT_IDS

_WITH_COUNTRY = len("8613011111111")


class Contact(Namespace[D]):
    """The contact API."""

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
