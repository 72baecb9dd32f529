"""Clients of a webhook bot, which needs no app and no administrator, and can only write into its group."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import httpx

from airflow_provider_lark.core.api.calls.namespace import ApiCall
from airflow_provider_lark.core.api.http.driver import BlockingDriver, LoopDriver
from airflow_provider_lark.core.api.http.transport import Transport
from airflow_provider_lark.core.api.retry import RetryPolicy, make_policy
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.webhook.address import ENDPOINT, parse_hook_address
from airflow_provider_lark.core.api.webhook.messages import build_message
from airflow_provider_lark.core.api.webhook.pace import (
    AVOID_PEAK_MAX_SECONDS,
    AVOID_PEAK_SECONDS,
    HookPace,
    shared_pace,
)
from airflow_provider_lark.core.api.webhook.session import Delivered, HookSession
from airflow_provider_lark.core.api.webhook.wire import HookTransport
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.errors import BadRequest, ConfigError, LarkError


class BaseWebhookClient:
    """A client of one webhook bot.

    Messages of all clients of a bot in this process keep to five a second and a hundred a minute together, in the
    order in which they were given. One that Lark throttles, or that finds no connection, is sent again; one of which
    no answer tells is not, since the bot knows no ids and would say it twice.

    :param address: as the group's settings show it, ``https://open.feishu.cn/open-apis/bot/v2/hook/…``; shown nowhere.
    :param signing_secret: where the bot wants signed messages; shown nowhere.
    :param keyword: where the bot asks for one: a message that does not hold it gets it, a card into its title.
    :param name: how errors call the bot; default: by its host.
    :param check_card: told each card before it is sent, as ``partial(check_card, carrier=WEBHOOK)`` of core.cards is;
        raises where Lark would refuse it.
    :param avoid_peak_seconds: so long after each full and half hour no message goes, as Lark throttles many then
        (11232); those that wait are spread over as long again. 0 to 300; 0: never wait.
    :param timeout_seconds: for connecting (at most 10 s) and for each wait on the socket.
    :param proxy: a proxy's address; default: the environment's (``HTTPS_PROXY``…), except for this machine.
    :param verify: False, or the path of a CA bundle, for hosts whose certificate no public CA has signed.
    :param retry: what is sent again, how often and when; default: what is safe, 6 times within 180 seconds.
    :param max_attempts: how often one message is sent at most; wins over that of *retry*.
    :param max_elapsed_seconds: how long one message waits and is retried at most, the wait off a peak not counted; wins
        over that of *retry*.
    :param clock: the time; a client with its own does not share its pace with others of the process.
    :param jitter: makes the random number in [0, 1) that spreads waits.
    :param stop: once it is set, no further message is sent, and :class:`.Stopped` is raised instead.
    :raises ConfigError: the address, the proxy or the CA bundle cannot be right.
    """

    def __init__(
        self,
        address: str,
        *,
        signing_secret: str | None = None,
        keyword: str | None = None,
        name: str | None = None,
        check_card: Callable[[JsonObject], None] | None = None,
        avoid_peak_seconds: float = AVOID_PEAK_SECONDS,
        timeout_seconds: float = 30.0,
        proxy: str | None = None,
        verify: bool | str = True,
        retry: RetryPolicy | None = None,
        max_attempts: int | None = None,
        max_elapsed_seconds: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[], float] = random.random,
        stop: StopFlag | None = None,
    ) -> None:
        self._subject = "unfinished"  # for the repr of a client that could not be made
        way = Secret(proxy) if proxy else None
        secret = Secret(signing_secret.strip()) if signing_secret and signing_secret.strip() else None
        text = Secret(address or "")
        del proxy, signing_secret, address  # from here on no traceback with locals can show them
        place = parse_hook_address(text.reveal())
        if not 0 <= avoid_peak_seconds <= AVOID_PEAK_MAX_SECONDS:
            raise ConfigError(f"avoid_peak_seconds must be a number from 0 to {AVOID_PEAK_MAX_SECONDS:g}")
        self._subject = name or f"webhook bot at {place.host}"
        self._keyword = keyword
        self._check_card = check_card
        self._session = HookSession(
            address=place,
            subject=self._subject,
            secret=secret,
            avoid_peak_seconds=avoid_peak_seconds,
            policy=make_policy(retry, max_attempts=max_attempts, max_elapsed_seconds=max_elapsed_seconds),
            pace=shared_pace(place) if clock is SYSTEM_CLOCK else HookPace(),
            clock=clock,
            jitter=jitter,
            stop=stop or StopFlag(),
        )
        self._clock = clock
        self._stop = stop
        self._way = HookTransport(place, self._subject, timeout_seconds=timeout_seconds, proxy=way, verify=verify)
        self._transport: Transport = self._way
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    @ApiCall
    def send(
        self,
        *,
        text: str | None = None,
        markdown: str | None = None,
        post: Mapping[str, Any] | None = None,
        card: Mapping[str, Any] | None = None,
        image_key: str | None = None,
        share_chat: str | None = None,
        title: str | None = None,
        mentions: Sequence[str] = (),
    ) -> Flow[Delivered]:
        """Write into the bot's group, exactly one of the kinds.

        :param text: Lark reads ``<at user_id="ou_…">name</at>`` in it.
        :param markdown: sent as a card of one element, below *title*.
        :param post: a rich text by language, ``{"zh_cn": {"title": …, "content": [[{"tag": "text", "text": …}]]}}``;
            one part without a language counts as ``zh_cn``.
        :param card: a card's JSON, 1.0 or 2.0, or a template: ``{"template_id": …, "template_variable": {…}}``. It may
            have links, and nothing that calls back.
        :param image_key: an image that an app of the tenant has uploaded.
        :param share_chat: the chat_id of the bot's own group.
        :param title: above *text* or *markdown*.
        :param mentions: open_ids, or ``all``, in front of a text and at the end of a post or card.
        :raises BadRequest: the message cannot be sent so, or Lark refuses it.
        :raises TooLarge: it takes more than 20 KB.
        :raises NotFound: Lark knows no bot of this address.
        :raises OutcomeUnknown: it was sent and not answered, so it may be in the chat.
        """
        body = build_message(
            text=text,
            markdown=markdown,
            post=post,
            card=card,
            image_key=image_key,
            share_chat=share_chat,
            title=title,
            mentions=mentions,
            keyword=self._keyword,
        )
        if self._check_card is not None and "card" in body:
            self._check_card(body["card"])
        return (yield from self._session.deliver(body))

    @ApiCall
    def probe(self) -> Flow[LarkError]:
        """Ask Lark about the bot by a request that holds no message, and return its refusal.

        Nothing appears in the group. Lark judges the address first, so any refusal but :class:`.NotFound` (19001,
        19007) means that it knows the bot; whether it looks at the signature before it misses the message is not
        documented.

        :raises LarkError: Lark cannot be asked.
        """
        try:
            yield from self._session.exchange({})
        except LarkError as error:
            if error.code is None:
                raise
            return error
        raise BadRequest(
            f"{self._subject}: Lark accepted a request without a message, which it should have rejected; check the "
            "webhook address",
            endpoint=ENDPOINT,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._subject!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a secret and open connections and cannot be pickled; create a new one instead")


class WebhookClient(BaseWebhookClient, BlockingDriver):
    """Writes into a group through a webhook bot, and waits until Lark has taken it; safe to share between threads.

    >>> with WebhookClient("https://open.feishu.cn/open-apis/bot/v2/hook/…") as bot:  # doctest: +SKIP
    ...     bot.send(text="42 orders")
    """

    def _open(self) -> None:
        self._http = httpx.Client(**self._way.options_blocking())


class AsyncWebhookClient(BaseWebhookClient, LoopDriver):
    """Writes into a group through a webhook bot without blocking the event loop it was made on.

    >>> async with AsyncWebhookClient("https://open.feishu.cn/open-apis/bot/v2/hook/…") as bot:  # doctest: +SKIP
    ...     await bot.send(text="42 orders")
    """

    def _open(self) -> None:
        self._http = httpx.AsyncClient(**self._way.options_of_loop())
