"""Whether a Lark connection works and, if not, what is missing: behind *Test* and ``airflow lark app test``.

Airflow shows the answer as it is, so what is secret is starred out here once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_lark.core.api.tokens.token_store import TokenKey
from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import LarkError, RetriableError
from airflow_provider_lark.core.hints import counted

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.accounts.account_store import Accounts
    from airflow_provider_lark.hooks.connections.lark import LarkSettings

MAX_BASES = 10
"""How many named bases are tried: a person waits, and Airflow gives up after a minute."""

PATIENCE_SECONDS = 10.0

MIN_SECRET_LENGTH = 5
_PROBE = "connection test"

_NO_BOT_CODES = (11205, 230006)
_NO_BOT = (
    "It has no bot, which is needed to send messages: add the Bot feature in the developer console and release a new "
    "version"
)

# activate_status of bot/v3/info: 2 is in use; documented at open.feishu.cn, "Get bot information", read 2026-11
_STATES: dict[int | None, str] = {
    0: "is not installed in this tenant: ask an administrator to install it",
    1: "is disabled in this tenant: ask an administrator to enable it",
    3: "is installed but not enabled yet: ask an administrator to enable it",
    4: "is waiting for an administrator to approve its new version",
    5: "is disabled because its licence has expired",
    6: "is disabled because the tenant's plan has expired or was downgraded",
}


class ExaminedHook(Protocol):
    """What is asked of a hook: its connection, and a client of it."""

    lark_conn_id: str

    @property
    def settings(self) -> LarkSettings:
        """What the connection says."""
        ...

    @property
    def accounts(self) -> Accounts | None:
        """Where workers share tokens."""
        ...

    def client(self, **options: Any) -> LarkClient:
        """Return a new client."""
        ...


def examine_connection(hook: ExaminedHook) -> tuple[bool, str]:
    """Return whether the hook's connection works, and what to know or to do, in sentences."""
    try:
        settings = hook.settings
    except LarkError as exc:
        # the id is not the connection's own: Airflow tests a copy under a made-up one
        return False, _join([_say(exc).removeprefix(f"connection {hook.lark_conn_id!r}: ")])
    works, told = _try(hook, settings)
    trouble = _find_store_trouble(hook, settings)
    told += [] if trouble is None else [f"The token store does not work: {trouble}"]
    return works and trouble is None, _hide(_join([*told, *_warn(settings)]), settings.secrets)


def _try(hook: ExaminedHook, settings: LarkSettings) -> tuple[bool, list[str]]:
    try:
        with _open_client(hook, settings) as client:
            works, told = _identify(client, settings)
            bases = list(_try_bases(client, settings)) if works else []
            # Airflow shows the words of a test that failed only, so a base that nobody can open fails it
            return works and all(opens for opens, _ in bases), [*told, *(words for _, words in bases)]
    except LarkError as exc:
        return False, [_say(exc)]


def _open_client(hook: ExaminedHook, settings: LarkSettings) -> LarkClient:
    # a clock of its own: a token that this process or the store still has would hide a secret that was renewed;
    # only a store app needs the store, where its ticket is
    options = {} if settings.tenant_key else {"token_store": None}
    return hook.client(
        **options,
        clock=SystemClock(),
        max_attempts=1,
        timeout_seconds=min(settings.timeout_seconds, PATIENCE_SECONDS),
    )


def _identify(client: LarkClient, settings: LarkSettings) -> tuple[bool, list[str]]:
    try:
        bot = client.bot.info()
    except LarkError as exc:
        if exc.code not in _NO_BOT_CODES:
            raise
        return True, [f"Lark at {settings.host} issued a token to this app", _NO_BOT]
    known = f"Connected to Lark at {settings.host} as app {bot.name!r}"
    if state := _STATES.get(bot.activate_status):
        return False, [f"{known}, but it {state}"]
    return True, [known]


def _try_bases(client: LarkClient, settings: LarkSettings) -> Iterator[tuple[bool, str]]:
    for name in islice(settings.bases, MAX_BASES):
        try:
            yield True, f"Base {name!r} {_open_base(client, settings, name)}"
        except RetriableError as exc:
            yield False, f"Base {name!r} did not respond, so no further bases were tried: {_say(exc)}"
            return
        except LarkError as exc:
            yield False, f"Base {name!r} cannot be opened: {_say(exc)}"
    if (left := len(settings.bases) - MAX_BASES) > 0:
        yield True, f"Not tried: {counted(left, 'more base')}"


def _open_base(client: LarkClient, settings: LarkSettings, name: str) -> str:
    from airflow_provider_lark.core.api.address import parse_base

    app_token = client.bitable.locate_base(parse_base(name, bases=settings.bases))
    app = client.bitable.get_app(app_token=app_token)
    if not app.is_advanced:
        return f"opens as {app.name!r}"
    return (
        f"opens as {app.name!r} and has advanced permissions: give the app the right to manage it, otherwise searches "
        "return no records and no error"
    )


def _find_store_trouble(hook: ExaminedHook, settings: LarkSettings) -> str | None:
    if settings.token_store_conn_id is None:
        return None
    key = TokenKey(settings.host, settings.app_id, "tenant", settings.tenant_key or "")
    probe = replace(key, subject=_PROBE)
    try:
        if (store := hook.accounts) is not None:
            # the first tells a wrong key, the others whether the tables may be written to
            store.load(key)
            store.claim(probe, seconds=1)
            store.release(probe)
    except LarkError as exc:
        return _say(exc)
    except Exception as exc:  # noqa: BLE001 - any driver's; its text may quote the database's address and password
        return (
            f"the database of connection {settings.token_store_conn_id!r} failed with {type(exc).__name__}; check the "
            "connection"
        )
    return None


def _warn(settings: LarkSettings) -> Iterator[str]:
    if settings.is_readable:
        yield "Warning: the host uses plain http, so the App Secret is sent unencrypted; use https://"
    yield from (f"Warning: {warning}" for warning in settings.warnings)


def _say(exc: LarkError) -> str:
    """Return an error without its endpoint, which says nothing to the one who fills in a form."""
    facts = [f"{name} {fact}" for name, fact in (("code", exc.code), ("log_id", exc.log_id)) if fact]
    return exc.message.removeprefix("Lark: ") + (f" ({', '.join(facts)})" if facts else "")


def _join(sentences: Sequence[str]) -> str:
    begun = (sentence[:1].upper() + sentence[1:] for sentence in sentences)
    return " ".join(sentence if sentence.endswith("?") else f"{sentence}." for sentence in begun)


def _hide(text: str, secrets: Sequence[str]) -> str:
    # of the length from which Airflow masks: a shorter one would star out parts of words
    for secret in secrets:
        text = text.replace(secret, "***") if len(secret) >= MIN_SECRET_LENGTH else text
    return text
