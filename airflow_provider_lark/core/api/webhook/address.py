"""The address of a webhook bot, as a person pastes it: everything after ``/hook/`` is a secret.

No message quotes what was given, since that may be the secret itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from airflow_provider_lark.core.api.http.host import FEISHU_HOST, LARK_HOST, is_local, normalize_host
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError

HOOK_PATH: Final = "/open-apis/bot/v2/hook/"
SHOWN_PATH: Final = f"{HOOK_PATH}***"
ENDPOINT: Final = f"POST {HOOK_PATH}:hook_id"

_OLD_PATH: Final = "/open-apis/bot/hook/"
_FORM: Final = (
    f"copy the whole address from the group's settings, Bots: {FEISHU_HOST}{HOOK_PATH}… or {LARK_HOST}{HOOK_PATH}…"
)
_HOOK_ID: Final = re.compile(r"[A-Za-z0-9_-]{4,128}")
_BLANK: Final = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class HookAddress:
    """Where a webhook bot is.

    :param host: with scheme.
    :param hook_id: what follows ``/hook/``; whoever knows it can write into the chat.
    """

    host: str
    hook_id: Secret

    @property
    def path(self) -> Secret:
        """The path of the request."""
        return Secret(HOOK_PATH + self.hook_id.reveal())


def parse_hook_address(text: str) -> HookAddress:
    """Read the address of a webhook bot; blanks and line ends around it do not count.

    :raises ConfigError: it is not one; the message says what is wrong and which form is expected.
    """
    given = (text or "").strip()
    del text
    trouble = _find_trouble(given)
    if trouble is None:
        parts = urlsplit(given)
        host = _normalize(f"{parts.scheme}://{parts.netloc}")
        if isinstance(host, ConfigError):
            del given, parts
            raise host
        return HookAddress(host, Secret(parts.path.rstrip("/").removeprefix(HOOK_PATH)))
    # a traceback with locals shows what is in reach
    del given
    raise ConfigError(f"the webhook address {trouble}: {_FORM}")


def _normalize(host: str) -> str | ConfigError:
    try:
        return normalize_host(host)
    except ConfigError as exc:
        error = ConfigError(f"the webhook address: {exc.message}")
    return error


def _find_trouble(given: str) -> str | None:
    if not given:
        return "is empty"
    if not given.strip("* "):
        return "is only the mask (***) that Airflow displays instead of it"
    if "://" not in given:
        return "is incomplete, or lacks https://"
    try:
        parts = urlsplit(given)
        is_plain = parts.scheme == "http" and not is_local(given)
    except ValueError:
        return "is not a valid address"
    if given.count("://") > 1:
        return "contains two addresses"
    if is_plain:
        return "begins with http://, so it would be sent unencrypted"
    if parts.scheme not in ("https", "http") or not parts.hostname or _BLANK.search(given):
        return "is not an https:// address"
    return _find_trouble_of_path(parts)


def _find_trouble_of_path(parts: SplitResult) -> str | None:
    path = parts.path.rstrip("/")
    if "/flow/api/trigger-webhook/" in path:
        return "belongs to a Lark automation, not to a bot"
    if path.startswith(_OLD_PATH) and not path.startswith(HOOK_PATH):
        return "has the legacy form /bot/hook/, which uses another message format; add the bot again"
    if not path or not f"{path}/".startswith(HOOK_PATH):
        return f"does not contain {HOOK_PATH}"
    if not _HOOK_ID.fullmatch(path.removeprefix(HOOK_PATH)) or path == HOOK_PATH.rstrip("/"):
        return "has no valid id after /hook/"
    if parts.query or parts.fragment or parts.username is not None:
        return "must not have a query, a fragment or a user name"
    return None
