"""How the calls of one task go, where otherwise than its connection says: their time-out, their proxy, their retries.

Hooks, operators, sensors and notifiers have these three parameters; each hands them to the next by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.extra import MAX_TIMEOUT_SECONDS, check_proxy
from airflow_provider_lark.hooks.parameters import read_count, read_json, read_list, read_seconds, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

CallRetry: TypeAlias = RetryPolicy | Mapping[str, Any] | str | None
"""A policy, or some of its members by name, which may come as JSON text; its handler then by its dotted name."""

_MEMBERS = tuple(each.name for each in fields(RetryPolicy))


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a task says of its calls; None where its connection is to say it."""

    timeout_seconds: float | None = None
    proxy: Secret | None = None
    retry: RetryPolicy | Mapping[str, Any] | None = None

    @classmethod
    def read(cls, *, timeout_seconds: float | str | None, proxy: str | None, call_retry: CallRetry) -> CallSettings:
        """Read the parameters, and mask the proxy's password in logs from here on.

        :raises ConfigError: one of them is impossible.
        """
        way = Secret(read_text(proxy) or "")
        del proxy  # from here on no traceback with locals can show it
        if way.reveal():
            check_proxy(way, "the task")
            mask_proxy(way)
        retry = call_retry if isinstance(call_retry, RetryPolicy) else _read_members(call_retry)
        read_policy(retry, RetryPolicy())
        return cls(
            read_seconds(timeout_seconds, "timeout_seconds", longest=MAX_TIMEOUT_SECONDS),
            way if way.reveal() else None,
            retry,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the parameters as a trigger can carry them.

        :raises ConfigError: the retry handler is a function, which another process would not find.
        """
        retry = self.retry
        handler = retry.handler if isinstance(retry, RetryPolicy) else (retry or {}).get("handler")
        if callable(handler):
            raise ConfigError(
                "call_retry: a function cannot be passed to the triggerer as handler; give call_retry as a dictionary "
                'with the function\'s dotted name, such as {"handler": "my_company.lark.judge"}, and install that '
                "module on the triggerer as well"
            )
        if isinstance(retry, RetryPolicy):
            codes = {name: sorted(getattr(retry, name)) for name in ("retry_codes", "final_codes")}
            retry = {name: value for name, value in {**asdict(retry), **codes}.items() if name != "handler"}
        return {
            "timeout_seconds": self.timeout_seconds,
            "proxy": None if self.proxy is None else self.proxy.reveal(),
            "call_retry": None if retry is None else dict(retry),
        }


def read_policy(given: RetryPolicy | Mapping[str, Any] | None, usual: RetryPolicy) -> RetryPolicy:
    """Return *given*; of members by name those that are missing are *usual*'s.

    :raises ConfigError: a member is impossible, or unknown.
    """
    if given is None or isinstance(given, RetryPolicy):
        return given or usual
    members = dict(given)
    if isinstance(members.get("handler"), str):
        members["handler"] = _find_function(members["handler"])
    try:
        return replace(usual, **members)
    except ConfigError as exc:
        raise ConfigError(f"call_retry: {exc.message}") from exc


def mask_proxy(proxy: Secret) -> None:
    """Keep the password of a proxy out of logs and rendered fields, as it stands in the address and as it is sent."""
    from airflow.sdk.log import mask_secret

    password = urlsplit(proxy.reveal()).password
    for text in dict.fromkeys((password, unquote(password))) if password else ():
        mask_secret(text)


def _read_members(given: Mapping[str, Any] | str | None) -> dict[str, Any] | None:
    where = "call_retry"
    found = read_json(None if given in ("", "None") else given, where)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise ConfigError(f"{where}: expected a RetryPolicy or a dictionary, found {type(found).__name__}")
    if unknown := [str(name) for name in found if name not in _MEMBERS]:
        raise ConfigError(f"{where}: unknown key {unknown[0][:50]!r}; expected {', '.join(_MEMBERS)}")
    # what a template gives is text, and of an empty Param nothing
    return {name: read for name, value in found.items() if (read := _read_member(name, value)) is not None}


def _read_member(name: str, value: Any) -> Any:
    where = f"call_retry[{name!r}]"
    if name == "handler":
        if value is not None and not callable(value) and not isinstance(value, str):
            raise ConfigError(f"{where}: expected a function or its dotted name")
        return value if callable(value) else read_text(value)
    if name.endswith("_codes"):
        codes: Sequence[Any] = read_list(value, where) or []
        return [read_count(code, where) for code in codes]
    if name == "max_attempts":
        return read_count(value, where)
    return read_seconds(value, where, longest=float("inf"), may_be_zero=True)


def _find_function(name: str) -> Any:
    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise ConfigError(
            f"call_retry: there is no function {name!r}; give its dotted name, such as my_company.lark.judge, from a "
            "module installed where tasks run"
        ) from exc
