"""Persons in a transfer: by Lark's ids, or by e-mail addresses that are looked up a part of the rows at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.field_column import UserKey
from airflow_provider_lark.core.fields.plain.records import FindUserIds
from airflow_provider_lark.core.transfer.report import check_choice

_EMAIL = re.compile(r"[^\s,;\[\]\"'<>@]+@[^\s,;\[\]\"'<>@]+")


class Persons:
    """How persons stand in SQL.

    :param users: ``id`` or ``email``.
    :param find_user_ids: needed to write persons by e-mail.
    :raises ConfigError: *users* is something else.
    """

    def __init__(self, users: UserKey = "id", find_user_ids: FindUserIds | None = None) -> None:
        check_choice("users", users, ("id", "email"))
        if users == "email" and find_user_ids is None:
            raise ConfigError("users 'email' needs find_user_ids, such as UserDirectory(client, None).find_by_email")
        self.users: UserKey = users
        self._find_user_ids = find_user_ids
        self._known: dict[str, str | None] = {}

    def find(self, email: str) -> str | None:
        """Return the open_id of one person, None for nobody; :meth:`look_up` many first."""
        if email not in self._known:
            self.look_up([email])
        return self._known.get(email)

    def look_up(self, values: Iterable[Any]) -> None:
        """Find out about all e-mail addresses in the values of a person column."""
        emails = {email for value in values if value for email in _EMAIL.findall(str(value))} - self._known.keys()
        if emails and self._find_user_ids is not None:
            self._known.update(self._find_user_ids(sorted(emails)))
