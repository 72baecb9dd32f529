"""People: ``client.contact``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from airflow_provider_lark.core.api.answers import data_of, pick_list
from airflow_provider_lark.core.api.flow import Flow
from airflow_provider_lark.core.api.limits import CONTACT_BATCH_MAX
from airflow_provider_lark.core.api.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.routes import CONTACT_IDS

UserIdType = Literal["open_id", "union_id", "user_id"]


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
        # Lark may show an address in the spelling of its own directory
        spelled = {text.lower(): text for text in found}
        for start in range(0, max(len(emails), len(mobiles)), CONTACT_BATCH_MAX):
            end = start + CONTACT_BATCH_MAX
            asked: dict[str, Any] = {"emails": list(emails[start:end]), "mobiles": list(mobiles[start:end])}
            if include_resigned:
                asked["include_resigned"] = True
            body = yield from self.session.call(CONTACT_IDS, query={"user_id_type": user_id_type}, json=asked)
            for user in pick_list(data_of(body), "user_list", endpoint=CONTACT_IDS.endpoint):
                text = spelled.get(str(user.get("email") or user.get("mobile")).lower())
                if text is not None:
                    found[text] = user.get("user_id") or None
        return found
