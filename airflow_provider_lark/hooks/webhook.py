"""LarkWebhookHook: an Airflow connection of type ``lark_webhook`` becomes a client of a webhook bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import LarkError, RetriableError
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.hooks.connections.lark import read_connection
from airflow_provider_lark.hooks.connections.webhook import CONN_TYPE, WebhookSettings

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
    from airflow_provider_lark.core.api.webhook.session import Delivered

TEST_SECONDS = 10.0

_UNKNOWN_CODES = (19001, 19007)
_SIGNATURE_CODE = 19021
_IP_CODE = 19022


class LarkWebhookHook(CallingHook):
    """Writes into a group of Lark / Feishu through the webhook bot of a connection: no app, no administrator.

    >>> LarkWebhookHook().send(text="42 orders")
    >>> LarkWebhookHook("alarms").send(markdown="**42** orders", title="Loaded", mentions=["ou_…"])

    :param lark_webhook_conn_id: id of a connection of type ``lark_webhook``.
    :param kwargs: ``timeout_seconds``, ``proxy``, ``call_retry``: override the connection's settings for messages.
    """

    conn_name_attr = "lark_webhook_conn_id"
    default_conn_name = "lark_webhook_default"
    conn_type = CONN_TYPE
    hook_name = "Lark / Feishu webhook bot"

    def __init__(self, lark_webhook_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lark_webhook_conn_id = lark_webhook_conn_id

    @cached_property
    def settings(self) -> WebhookSettings:
        """What the connection says; its secrets are masked in logs from here on.

        :raises ConfigError: the connection lacks something, or says something impossible.
        """
        settings = WebhookSettings.from_connection(read_connection(self.lark_webhook_conn_id))
        return settings.announce(self.lark_webhook_conn_id, self.log)

    def client(self, **options: Any) -> WebhookClient:
        """Return a new client; close it, or use it in a ``with``.

        :param options: settings that override the connection's, such as ``avoid_peak_seconds``.
        """
        from airflow_provider_lark.core.api.webhook.client import WebhookClient

        return WebhookClient(self.settings.address.reveal(), **self._client_options(options))

    def get_conn(self) -> WebhookClient:
        """Return a new client, as :meth:`client` does."""
        return self.client()

    async def async_client(self, **options: Any) -> AsyncWebhookClient:
        """Return a new asynchronous client; close it, or use it in an ``async with``.

        :param options: as for :meth:`client`.
        """
        from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient

        # reading a connection asks the supervisor, which must not be waited for on the event loop; and what was read
        # goes into no variable, which a traceback with locals would show
        return AsyncWebhookClient(
            **await asyncio.to_thread(self._client_options, options),
            address=self.settings.address.reveal(),
        )

    def send(self, **message: Any) -> Delivered:
        """Write into the group; for many messages at once use one :meth:`client`.

        :param message: one of ``text``, ``markdown``, ``post``, ``card``, ``image_key`` and ``share_chat``, and with
            them ``title`` and ``mentions``; see :meth:`.WebhookClient.send`.
        :raises LarkError: the message cannot be sent so, Lark refuses it, or cannot be reached.
        :raises OutcomeUnknown: it was sent and not answered, so it may be in the group.
        """
        with self.client() as client:
            sent: Delivered = client.send(**message)
        return sent

    def test_connection(self) -> tuple[bool, str]:
        """Ask Lark about the bot without a message; nothing appears in the group."""
        try:
            settings = self.settings
        except LarkError as exc:
            # the id is not the connection's own: Airflow tests a copy under a made-up one
            return False, _sentence(exc.message.removeprefix(f"connection {self.lark_webhook_conn_id!r}: "))
        try:
            options = {"max_attempts": 1, "timeout_seconds": min(settings.timeout_seconds, TEST_SECONDS)}
            with self.client(**options, name="The webhook bot") as client:
                refusal = client.probe()
        except LarkError as exc:
            return False, _sentence(exc.message)
        return _judge(refusal, settings)

    def __getstate__(self) -> dict[str, Any]:
        """Return what to pickle or copy: not what was read from the connection, which is read anew."""
        return {name: value for name, value in vars(self).items() if name != "settings"}

    def _client_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {
            "signing_secret": _reveal(self.settings.signing_secret),
            "keyword": self.settings.keyword,
            "name": f"connection {self.lark_webhook_conn_id!r}, webhook bot at {self.settings.host}",
            "check_card": _card_check(),
            "avoid_peak_seconds": self.settings.avoid_peak_seconds,
            **self._way_options(),
        }
        return {**given, **options}


def _reveal(secret: Any) -> str | None:
    return None if secret is None else secret.reveal()


def _card_check() -> Callable[[dict[str, Any]], None]:
    from airflow_provider_lark.core.cards.check import check_card
    from airflow_provider_lark.core.cards.writing import WEBHOOK

    return lambda card: check_card(card, carrier=WEBHOOK)


def _judge(refusal: LarkError, settings: WebhookSettings) -> tuple[bool, str]:
    """Return what the refusal of a request without a message says of the bot."""
    if refusal.code in (*_UNKNOWN_CODES, _SIGNATURE_CODE, _IP_CODE) or isinstance(refusal, RetriableError):
        return False, _sentence(refusal.message)
    told = [f"Lark at {settings.host} recognised this bot. No message was sent to the group"]
    told.append("The keyword can only be checked by sending a message")
    if settings.signing_secret is not None:
        told[1] = "The keyword and the signing secret can only be checked by sending a message"
    told += [f"Warning: {warning}" for warning in settings.warnings]
    return True, " ".join(_sentence(each) for each in told)


def _sentence(text: str) -> str:
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith(".") else f"{begun}."
