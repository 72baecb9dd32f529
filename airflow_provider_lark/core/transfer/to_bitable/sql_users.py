"""How users are stored in SQL: by Lark's ids, or by e-mail addresses, which are looked up a chunk of rows at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.field_column import UserKey
from airflow_provider_lark.core.fields.users import FindUserIds, UsersByEmail
from airflow_provider_lark.core.transfer.report import check_choice

_EMAIL = re.compile(r"[^\s,;\[\]\"'<>@]+@[^\s,;\[\]\"'<>@]+")


class SqlUsers:
    """The users of a transfer.

    :param key: how they stand in SQL, ``id`` or ``email``.
    :param find_user_ids: needed to write users by e-mail.
    :raises ConfigError: *key* is something else.
    """

    def __init__(self, key: UserKey = "id", find_user_ids: FindUserIds | None = None) -> None:
        check_choice("users", key, ("id", "email"))
        if key == "email" and find_user_ids is None:
            raise ConfigError("users 'email' needs find_user_ids, such as UserDirectory(client, None).find_by_email")
        self.key: UserKey = key
        self._by_email = None if find_user_ids is None else UsersByEmail(find_user_ids)

    def find(self, email: str) -> str | None:
        """Return the open_id of one user, None for nobody; :meth:`look_up` many first."""
        return None if self._by_email is None else self._by_email.find(email)

    def look_up(self, values: Iterable[Any]) -> None:
        """Find out about all e-mail addresses in the values of a column of users."""
        emails = {email for value in values if value for email in _EMAIL.findall(str(value))}
        if self._by_email is not None:
            self._by_email.look_up(sorted(emails))
