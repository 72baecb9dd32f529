"""Consents of users to apps: authorisation codes, user tokens and their renewal (lark-api §1.3)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state.tokens import LIFE_SECONDS, Tokens

CODE_LIFE_SECONDS: Final = 300
REFRESH_LIFE_SECONDS: Final = 604_800
CHAIN_LIFE_SECONDS: Final = 365 * 86_400
OFFLINE_ACCESS: Final = "offline_access"

UserTokenForm = Literal["eyJ", "u-"]


@dataclass(frozen=True)
class Challenge:
    """A PKCE challenge."""

    text: str
    method: str

    def fits(self, verifier: str) -> bool:
        """Whether *verifier* is what the challenge was made of."""
        if self.method == "plain":
            return verifier == self.text
        digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.text


@dataclass
class Code:
    """A person's consent on its way to the app: single use, five minutes."""

    app_id: str
    open_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: Challenge | None
    expires: float
    is_used: bool = False


@dataclass
class Refresh:
    """A refresh token: single use; its chain ends a year after the consent."""

    app_id: str
    open_id: str
    scopes: tuple[str, ...]
    expires: float
    chain_ends: float
    is_used: bool = False
    is_revoked: bool = False


@dataclass(frozen=True)
class Granted:
    """What an exchange hands out; no refresh token without ``offline_access``."""

    access_token: str
    expires_in: int
    refresh_token: str | None
    refresh_expires_in: int
    scopes: tuple[str, ...]


class Grants:
    """Codes and refresh tokens of one tenant."""

    def __init__(self, clock: Clock, ids: Ids, tokens: Tokens, tenant_key: str) -> None:
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._tenant_key = tenant_key
        self._codes: dict[str, Code] = {}
        self._refreshes: dict[str, Refresh] = {}

    def consent(
        self, app_id: str, open_id: str, scopes: Sequence[str], redirect_uri: str, challenge: Challenge | None
    ) -> str:
        """A new code."""
        text = self._ids.make("", 32)
        expires = self._clock.now() + CODE_LIFE_SECONDS
        self._codes[text] = Code(app_id, open_id, tuple(scopes), redirect_uri, challenge, expires)
        return text

    def find_code(self, app_id: str, text: str) -> Code:
        """The code, when it may still be used.

        :raises ApiError: 20003 unknown, 20024 another app's, 20065 used, 20004 too old.
        """
        code = self._codes.get(text)
        if code is None:
            raise ApiError(20003, "the code is unknown")
        if code.app_id != app_id:
            raise ApiError(20024, "the code was issued to another app")
        if code.is_used:
            raise ApiError(20065, "the code was used before")
        if code.expires <= self._clock.now():
            raise ApiError(20004, "the code is older than five minutes")
        return code

    def find_refresh(self, app_id: str, text: str) -> Refresh:
        """The refresh token, when it may still be used.

        :raises ApiError: 20026 unknown, 20024 another app's, 20064 revoked, 20073 used, 20037 too old.
        """
        refresh = self._refreshes.get(text)
        if refresh is None:
            raise ApiError(20026, "the refresh token is unknown")
        if refresh.app_id != app_id:
            raise ApiError(20024, "the refresh token was issued to another app")
        if refresh.is_revoked:
            raise ApiError(20064, "the consent was revoked: authorise again")
        if refresh.is_used:
            raise ApiError(20073, "the refresh token was used before")
        if refresh.expires <= self._clock.now():
            raise ApiError(20037, "the refresh token is too old: authorise again")
        return refresh

    def hand_out(
        self,
        source: Code | Refresh,
        scopes: tuple[str, ...],
        *,
        form: UserTokenForm = "eyJ",
        always_refresh: bool = False,
    ) -> Granted:
        """Use up *source* and give tokens for it.

        :param scopes: those of *source*, or fewer.
        :param always_refresh: whether a refresh token needs no ``offline_access``: the older endpoints.
        """
        now = self._clock.now()
        source.is_used = True
        access = self._tokens.issue_for_user(
            source.app_id, self._tenant_key, source.open_id, frozenset(scopes), prefix=form
        )
        if not always_refresh and OFFLINE_ACCESS not in scopes:
            return Granted(access, LIFE_SECONDS, None, 0, scopes)
        chain_ends = source.chain_ends if isinstance(source, Refresh) else now + CHAIN_LIFE_SECONDS
        expires = min(now + REFRESH_LIFE_SECONDS, chain_ends)
        text = self._ids.make("ur-", 60)
        self._refreshes[text] = Refresh(source.app_id, source.open_id, scopes, expires, chain_ends)
        return Granted(access, LIFE_SECONDS, text, int(expires - now), scopes)

    def revoke(self, app_id: str, open_id: str) -> None:
        """End what the person allowed the app: access tokens and refresh tokens."""
        self._tokens.expire_for_user(app_id, open_id)
        for refresh in self._refreshes.values():
            if (refresh.app_id, refresh.open_id) == (app_id, open_id):
                refresh.is_revoked = True
