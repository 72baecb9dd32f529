"""A connection of type ``lark_webhook``: the bot's address is its password, since both give the same access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from airflow_provider_lark.core.api.webhook.address import parse_hook_address
from airflow_provider_lark.core.api.webhook.pace import AVOID_PEAK_MAX_SECONDS, AVOID_PEAK_SECONDS
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.extra import DEFAULT_TIMEOUT_SECONDS, Extra
from airflow_provider_lark.hooks.connections.settings import ConnectionSettings

if TYPE_CHECKING:
    from airflow.sdk import Connection

CONN_TYPE = "lark_webhook"

FIELDS = (
    "signing_secret",
    "keyword",
    "avoid_peak_seconds",
    "timeout_seconds",
    "max_attempts",
    "max_elapsed_seconds",
    "proxy",
    "ca_bundle",
)
"""The fields of the extra, as the form names them."""


@dataclass(frozen=True, slots=True)
class WebhookSettings(ConnectionSettings):
    """What a connection to a webhook bot says. Its secrets are :class:`.Secret`, so it can be logged, and is no XCom.

    :param address: of the bot; whoever knows it can write into the group.
    :param host: its host with scheme, which is no secret.
    :param signing_secret: where the bot wants signed messages.
    :param keyword: where the bot asks for one.
    :param avoid_peak_seconds: so long after each full and half hour no message goes.
    :param warnings: which fields of the extra may be a mistake.
    """

    address: Secret
    hook_id: Secret
    host: str
    signing_secret: Secret | None = None
    keyword: str | None = None
    avoid_peak_seconds: float = AVOID_PEAK_SECONDS
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_attempts: int | None = None
    max_elapsed_seconds: float | None = None
    proxy: Secret | None = None
    ca_bundle: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def _read(cls, conn: Connection) -> Self:
        where = f"connection {conn.conn_id!r}"
        if conn.conn_type != CONN_TYPE:
            raise ConfigError(f"{where}: has type {conn.conn_type!r}; expected type {CONN_TYPE!r}")
        if not (conn.password or "").strip() and (conn.host or "").strip():
            raise ConfigError(
                f"{where}: the webhook address is in the host field, which Airflow shows to every user; move it to the "
                "field Webhook address (password), and reset the bot's address if others may have seen it"
            )
        try:
            address = parse_hook_address(conn.password or "")
        except ConfigError as exc:
            raise ConfigError(f"{where}: {exc.message}") from None
        extra = Extra(conn, where, fields=FIELDS, prefix=f"extra__{CONN_TYPE}__", notes=())
        return cls(
            address=Secret(address.host + address.path.reveal()),
            hook_id=address.hook_id,
            host=address.host,
            signing_secret=_hide(extra.secret("signing_secret")),
            keyword=extra.text("keyword"),
            avoid_peak_seconds=extra.number("avoid_peak_seconds", AVOID_PEAK_SECONDS, AVOID_PEAK_MAX_SECONDS),
            timeout_seconds=extra.timeout_seconds(),
            max_attempts=extra.max_attempts(),
            max_elapsed_seconds=extra.max_elapsed_seconds(),
            proxy=_hide(extra.proxy()),
            ca_bundle=extra.ca_bundle(),
            warnings=extra.warnings,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show up in a log; the whole address first, or only its end would be starred out of it."""
        found = [each.reveal() for each in (self.address, self.hook_id, self.signing_secret) if each is not None]
        if self.proxy is not None and (password := urlsplit(self.proxy.reveal()).password):
            found += [password, unquote(password)]
        return tuple(dict.fromkeys(found))


def _hide(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
