"""Users given by e-mail address: looked up many at once, before they are written one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

FindUserId = Callable[[str], str | None]
"""Returns the id of the user with an e-mail address, None for nobody."""

FindUserIds = Callable[[Sequence[str]], Mapping[str, str | None]]
"""Returns the open_id of each e-mail address, under the address as it was asked for; None or nothing for nobody."""


class UsersByEmail:
    """Remembers the ids of those who were looked up.

    :param find_user_ids: is asked for all addresses that are not known yet, at once.
    """

    def __init__(self, find_user_ids: FindUserIds) -> None:
        self._find_user_ids = find_user_ids
        self._known: dict[str, str | None] = {}

    def look_up(self, emails: Iterable[str]) -> None:
        """Find out about *emails*; again about those that nobody had."""
        unknown = [email for email in dict.fromkeys(emails) if self._known.get(email) is None]
        if unknown:
            self._known |= dict.fromkeys(unknown)
            self._known.update(self._find_user_ids(unknown))

    def find(self, email: str) -> str | None:
        """Return the id of one user, None for nobody; call :meth:`look_up` for many first."""
        if email not in self._known:
            self.look_up([email])
        return self._known[email]
