"""Whether Lark's events and clicks arrive: keys, subscriptions, the inbox, the receiver. Nothing is changed.

That something has arrived proves the switches of the developer console; that nothing has is said with the switches to
look at. :mod:`.console` reads those that Lark shows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError, NotFound
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.inbox.survey import Group
from airflow_provider_lark.core.receiving.address_check import ANSWER_SECONDS, is_answer, make_check
from airflow_provider_lark.core.receiving.feed_door import FEED_CHANGED
from airflow_provider_lark.core.sync.doctor.findings import Answer, Finding, look
from airflow_provider_lark.core.sync.feed import TableFeed

RECORD_CHANGED = "drive.file.bitable_record_changed_v1"

OLDEST_SECONDS = 3600.0
"""An event that has waited so long has nobody who handles it."""

_PATIENCE_SECONDS = 10.0

EVENT_SWITCHES = (
    "in the developer console, Events and callbacks → Event configuration, set the request URL (or the long "
    f"connection), add the event {RECORD_CHANGED}, and publish a version of the app"
)
CLICK_SWITCHES = (
    "in the developer console, Events and callbacks → Callback configuration, which is separate from events, set the "
    "request URL, add card.action.trigger, and publish a version of the app; until then whoever clicks sees error "
    "200340"
)


def examine_keys(encrypt_key: Secret | None, verification_token: Secret | None) -> Answer:
    """Tell which keys the connection has."""
    if encrypt_key is not None:
        return "the Encrypt Key is set: events must be encrypted and signed"
    if verification_token is not None:
        return "warning", (
            "only the verification token is set: whoever learns it can forge events; set an Encrypt Key in the "
            "developer console and as event_encrypt_key_secret in the connection"
        )
    told = (
        "neither an Encrypt Key nor a verification token is set, so nothing is received over HTTP; copy them from the "
        "developer console, Events and callbacks → Encryption strategy"
    )
    return "trouble", told


def examine_subscription(client: LarkClient, subject: str, base: TableAddress) -> Finding:
    """Ask Lark whether it sends the events of a base to the app."""

    def ask() -> Answer:
        app_token = client.bitable.locate_base(base)
        try:
            is_subscribed = client.drive.is_subscribed(app_token=app_token)
        except NotFound as error:
            if error.code != _NOT_SUBSCRIBED:
                raise
            is_subscribed = False
        if is_subscribed:
            return f"Lark sends the changes of base {app_token} to the app"
        return "warning", (
            f"Lark does not send the changes of base {app_token} to the app; a task with events=True subscribes to "
            "it when it runs"
        )

    return look(subject, "subscription", ask)


_NOT_SUBSCRIBED = 1069605


def examine_inbox(groups: Sequence[Group], clock: Clock) -> Answer:
    """Tell how the inbox stands."""
    numbers = {status: sum(each.entries for each in groups if each.status == status) for status in _STATUSES}
    told = ", ".join(f"{number:,} {status}" for status, number in numbers.items() if number) or "empty"
    waiting = [each.oldest_ms for each in groups if each.status == "pending"]
    age = clock.now() - min(waiting) / 1000 if waiting else 0.0
    if numbers["failed"]:
        return "warning", f"{told}; see `airflow lark inbox failed`"
    if age > OLDEST_SECONDS:
        types = sorted({each.type for each in groups if each.status == "pending"})
        return "warning", f"{told}, the oldest for {_age(age)}: nothing handles {', '.join(types)}"
    return told


_STATUSES = ("pending", "processing", "completed", "failed")


def examine_arrivals(groups: Iterable[Group], kind: str, clock: Clock) -> Answer:
    """Tell when the last event, click or post of a feed arrived, as far back as the inbox remembers.

    :param kind: ``event``, ``card``, or :data:`.FEED_CHANGED`; an event that a feed sent is none of Lark's.
    """
    newest = max((each.newest_ms for each in groups if kind == _kind(each)), default=None)
    noun = {"event": "event", "card": "click"}.get(kind, "post of a feed")
    if newest is not None:
        return f"the last {noun} arrived {_age(clock.now() - newest / 1000)} ago"
    if kind == "event":
        return "warning", f"no event stands in the inbox, so none arrived within a week; {EVENT_SWITCHES}"
    return f"no click stands in the inbox, so none arrived within a week; if cards have buttons: {CLICK_SWITCHES}"


def _kind(group: Group) -> str:
    return FEED_CHANGED if group.type == FEED_CHANGED else group.kind


def examine_feed(feed: TableFeed | LarkError) -> Answer:
    """Tell how the feed of a table stands; that there is none is no fault.

    :param feed: an error where that could not be looked at: most apps have events, and no right to automations.
    """
    if isinstance(feed, LarkError):
        return f"not looked at, which keeps nothing from working: {feed.message}"
    if feed.state == "missing":
        return "none, and none is needed where Lark sends events; see `airflow lark feed install`"
    if feed.state == "ok":
        return f"automation {feed.workflow_id} posts edits to {feed.address}"
    return "warning", (
        f"automation {feed.workflow_id} is not as it should be: {feed.detail}; run `airflow lark feed install`"
    )


def examine_queues(counts: tuple[int, int]) -> Answer:
    """Tell what stands in RabbitMQ: how many messages wait, and how many are dead letters."""
    waiting, dead = counts
    told = f"{counted(waiting, 'message')} waiting"
    if dead:
        return "warning", f"{told}, {counted(dead, 'dead letter')}; see `airflow lark inbox replay --all`"
    return told


def check_receiver(url: str, *, encrypt_key: Secret | None, verification_token: Secret | None, clock: Clock) -> Answer:
    """Check a receiver's address as Lark does when it is entered in the developer console."""
    import httpx

    challenge = secrets.token_hex(16)
    body = make_check(challenge, encrypt_key=encrypt_key, verification_token=verification_token)
    began = clock.monotonic()
    try:
        answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, timeout=_PATIENCE_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return "trouble", f"{url} gave no answer ({type(exc).__name__}); check that the receiver runs there"
    seconds = clock.monotonic() - began
    if not is_answer(answer.status_code, answer.content, challenge):
        return "trouble", (
            f"{url} answered HTTP {answer.status_code}, and not with the challenge: no receiver of this connection, "
            "or it has other keys than the connection; its log says why"
        )
    told = f"{url} answered the address check in {seconds * 1000:.0f} ms, with the keys of the connection"
    if seconds > ANSWER_SECONDS:
        return "warning", f"{told}; Lark waits only {ANSWER_SECONDS:g} s"
    return told


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
