"""The switches of the developer console that Lark lets an app read: which events and callbacks are on, and their way.

Nothing here is trouble: what cannot be read may still be right, and who uses no cards needs no clicks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.application import SELF_MANAGE
from airflow_provider_lark.core.api.wire.results import AppSettings, AppVersion, CallbackSettings
from airflow_provider_lark.core.errors import AccessDenied, LarkError
from airflow_provider_lark.core.receiving.address_check import show_url
from airflow_provider_lark.core.receiving.envelope import OLD_CARD_ACTION
from airflow_provider_lark.core.sync.doctor.events import RECORD_CHANGED
from airflow_provider_lark.core.sync.doctor.findings import Answer, Finding, look

FIELD_CHANGED = "drive.file.bitable_field_changed_v1"
CARD_ACTION = "card.action.trigger"

_EVENTS_PAGE = "in the developer console, Events and callbacks → Event configuration"
_CALLBACKS_PAGE = "in the developer console, Events and callbacks → Callback configuration"
_PUBLISH = "publish a version of the app"
_SCOPE_MISSING = 99991672


@dataclass(frozen=True, slots=True)
class Receivers:
    """What is known of how an app's events and clicks are received.

    :param long_connection: who has the app's long connection; empty: nobody; None: not known.
    :param over_http: whether a receiver over HTTP is set up; False also where it is not known.
    :param urls: the addresses at which Lark reaches that receiver, any of them; empty: not known.
    """

    long_connection: str | None = None
    over_http: bool = False
    urls: tuple[str, ...] = ()


def examine_console(client: LarkClient, receivers: Receivers) -> list[Finding]:
    """Ask Lark for the app's settings, and compare them with the receivers."""
    try:
        app = client.application.get_settings()
    except LarkError as exc:
        return [Finding("console", "settings", "warning", _not_read(exc))]
    return [
        look("console", "events", partial(_examine_version, client, app)),
        look("console", "callbacks", lambda: examine_callbacks(app.callbacks, receivers)),
    ]


def _not_read(exc: LarkError) -> str:
    if isinstance(exc, AccessDenied) and exc.code == _SCOPE_MISSING:
        return (
            f"not read, which keeps nothing from working: to see here which events and callbacks are on, add the scope "
            f"{SELF_MANAGE} in the developer console under Permissions & Scopes, and {_PUBLISH}"
        )
    return f"not read, look there yourself: {type(exc).__name__}: {exc}"


def _examine_version(client: LarkClient, app: AppSettings) -> Answer:
    if app.online_version_id is None:
        return examine_events(app, None)
    try:
        version = client.application.get_version(version_id=app.online_version_id)
    except LarkError as exc:
        return "warning", _not_read(exc)
    return examine_events(app, version)


def examine_events(app: AppSettings, version: AppVersion | None) -> Answer:
    """Tell which events of bases the released version has.

    :param version: the one that is online.
    """
    waits = "; a version waits for review, and what it adds counts once it is approved"
    more = waits if app.unaudited_version_id is not None else ""
    if version is None:
        return "warning", f"no version of the app is released, so no event is on; {_PUBLISH}{more}"
    named = f"the released version {version.version}".rstrip()
    if RECORD_CHANGED not in version.event_types:
        return "warning", (
            f"{named} lacks the event {RECORD_CHANGED}, so no edit of a base is told; {_EVENTS_PAGE}, add it, and "
            f"{_PUBLISH}{more}"
        )
    if FIELD_CHANGED in version.event_types:
        return f"{named} has {RECORD_CHANGED} and {FIELD_CHANGED}"
    return (
        f"{named} has {RECORD_CHANGED}, and not {FIELD_CHANGED}, without which a renamed field is noticed later; "
        f"{_EVENTS_PAGE}, it can be added{more}"
    )


def examine_callbacks(callbacks: CallbackSettings | None, receivers: Receivers) -> Answer:
    """Tell whether clicks on cards are on, and go where somebody receives them."""
    if callbacks is None:
        return f"Lark does not tell how callbacks are set up; {_CALLBACKS_PAGE} shows it"
    if not {CARD_ACTION, OLD_CARD_ACTION} & set(callbacks.subscribed):
        return "warning", (
            f"{CARD_ACTION} is off, so clicks on cards do not arrive, and whoever clicks sees error 200340; if cards "
            f"have buttons: {_CALLBACKS_PAGE}, which is separate from events, add it, and {_PUBLISH}"
        )
    if callbacks.kind == "websocket":
        return _examine_long_connection(receivers)
    if callbacks.kind == "webhook" and callbacks.request_url:
        return _examine_request_url(callbacks.request_url, receivers)
    return "warning", (
        f"{CARD_ACTION} is on, and no way for it is set; {_CALLBACKS_PAGE}, set the request URL or the long "
        f"connection, and {_PUBLISH}"
    )


def _examine_long_connection(receivers: Receivers) -> Answer:
    told = "clicks on cards go over the long connection"
    if receivers.long_connection:
        return f"{told}, which {receivers.long_connection} has"
    if receivers.long_connection is None:
        return told
    also = " or, since a receiver over HTTP is set up, set its request URL there" if receivers.over_http else ""
    return "warning", (
        f"{told}, and no receiver here has it; start `airflow lark receive --long-connection`{also}: {_CALLBACKS_PAGE}"
    )


def _examine_request_url(request_url: str, receivers: Receivers) -> Answer:
    shown = show_url(request_url)
    told = f"clicks on cards go to {shown}"
    if receivers.long_connection and not receivers.over_http:
        return "warning", (
            f"{told}, and {receivers.long_connection} receives over the long connection; if nothing else receives "
            f"there: {_CALLBACKS_PAGE}, choose the long connection, and {_PUBLISH}"
        )
    wanted = [show_url(url) for url in receivers.urls]
    if wanted and shown not in wanted:
        return "warning", (
            f"{told}, and [lark] receiver_url stands for {' or '.join(wanted)}; {_CALLBACKS_PAGE}, set that request "
            "URL, or correct receiver_url"
        )
    return f"{told}, as [lark] receiver_url says" if wanted else told
