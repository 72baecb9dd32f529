"""One message to a webhook bot from beginning to end: size, rush, turn, send, read, retry.  Knows no socket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_lark.core.api.calls.resend import decide_retry
from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.webhook.address import ENDPOINT, SHOWN_PATH, HookAddress
from airflow_provider_lark.core.api.webhook.answers import read_receipt
from airflow_provider_lark.core.api.webhook.pace import HookPace, HookSlot, seconds_off_peak
from airflow_provider_lark.core.api.webhook.signing import signed
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.flow import Flow, HttpRequest, Wait, send
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, RateLimited, TooLarge

log = logging.getLogger(__name__)

MESSAGE_MAX_BYTES: Final = 20 * 1024
"""Bytes of a request to a webhook bot ("Custom bot usage guide")."""

_LONG_WAIT_SECONDS: Final = 5.0
_THROTTLED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that is in the chat; Lark tells no id of it.

    :param msg_type: as what it was sent.
    :param size_bytes: of the request's body.
    :param attempts: how often it was sent until Lark took it, which it did once.
    """

    msg_type: str
    size_bytes: int
    attempts: int


@dataclass(frozen=True, slots=True, repr=False)
class HookSession:
    """Sends to one bot; its client goes through it.

    :param subject: how errors call the bot.
    :param secret: where the bot wants signed messages.
    """

    address: HookAddress
    subject: str
    secret: Secret | None
    avoid_peak_seconds: float
    policy: RetryPolicy
    pace: HookPace
    clock: Clock
    jitter: Callable[[], float]
    stop: StopFlag

    def __repr__(self) -> str:
        # tracebacks with locals show it
        return f"{type(self).__name__}({self.subject!r})"

    def deliver(self, body: JsonObject) -> Flow[Delivered]:
        """Send a message, again where it was not taken, and return once it is in the chat.

        :raises OutcomeUnknown: it was sent and not answered.
        """
        size = self._measure(body)
        yield from self._avoid_peak()
        began = self.clock.monotonic()
        attempt, wait_seconds = 0, 0.0
        while True:
            attempt += 1
            if wait_seconds:
                yield Wait(wait_seconds)
            yield from self._await_turn()
            self.stop.check()
            try:
                yield from self.exchange(body)
                return Delivered(body["msg_type"], size, attempt)
            except LarkError as error:
                self._slow_down(error)
                decision = decide_retry(
                    "once",
                    error,
                    attempt=attempt,
                    elapsed_seconds=self.clock.monotonic() - began,
                    jitter=self.jitter(),
                    policy=self.policy,
                    endpoint=ENDPOINT,
                )
                if decision.wait_seconds is None:
                    if attempt > 1:
                        error.add_note(f"gave up after attempt {attempt}: {decision.reason}")
                    raise
                wait_seconds = decision.wait_seconds
                log.debug("%s: attempt %d failed, retrying in %.1f s: %s", ENDPOINT, attempt, wait_seconds, error)

    def exchange(self, body: JsonObject) -> Flow[None]:
        """Send *body* once, and return if the bot has taken it."""
        # signed only now: a message may have waited for long
        request = _request(signed(body, self.secret, self.clock.now()))
        response = yield from send(request)
        read_receipt(
            response,
            subject=self.subject,
            is_signed=self.secret is not None,
            now=self.clock.now(),
            hidden=self._hidden(),
        )

    def _measure(self, body: JsonObject) -> int:
        size = len(_request(signed(body, self.secret, self.clock.now())).encode() or b"")
        if size > MESSAGE_MAX_BYTES:
            raise TooLarge(
                f"{self.subject}: the message has {size:,} bytes, more than the {MESSAGE_MAX_BYTES:,} allowed; shorten "
                "it, or send a link instead",
                endpoint=ENDPOINT,
            )
        return size

    def _avoid_peak(self) -> Flow[None]:
        wait_seconds = seconds_off_peak(self.clock.now(), self.avoid_peak_seconds, self.jitter())
        if wait_seconds:
            log.info("%s: waiting %.0f s to avoid the peak after the full or half hour", self.subject, wait_seconds)
            yield Wait(wait_seconds)

    def _await_turn(self) -> Flow[None]:
        clock, patience = self.clock, self.policy.max_elapsed_seconds
        place = self.pace.queue(clock.monotonic(), patience_seconds=patience)
        if place is None:
            raise RateLimited(
                f"{self.subject}: more messages are waiting than Lark accepts within {patience:.0f} s; send fewer, for "
                "example one message for many rows",
                retry_after_seconds=patience,
                endpoint=ENDPOINT,
            )
        yield from self._wait_for(place)

    def _wait_for(self, place: HookSlot) -> Flow[None]:
        left = self.pace.seconds_left(place, self.clock.monotonic())
        if left >= _LONG_WAIT_SECONDS:
            log.info("%s: waiting %.0f s for the rate limit", self.subject, left)
        while left > 0:
            yield Wait(left)
            # others may have been throttled meanwhile
            left = self.pace.seconds_left(place, self.clock.monotonic())

    def _hidden(self) -> tuple[str, ...]:
        return tuple(each.reveal() for each in (self.address.hook_id, self.secret) if each is not None)

    def _slow_down(self, error: LarkError) -> None:
        if isinstance(error, RateLimited):
            self.pace.pause(self.clock.monotonic(), error.retry_after_seconds or _THROTTLED_SECONDS)


def _request(body: JsonObject) -> HttpRequest:
    return HttpRequest("POST", SHOWN_PATH, json=body, endpoint=ENDPOINT)
