"""``airflow lark doctor --events``: whether events and card clicks from Lark arrive."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Set
from dataclasses import replace
from functools import partial

from airflow_provider_lark.core import LarkClient, TableMapping, load_mappings
from airflow_provider_lark.core.api.address import TableAddress, parse_base
from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.core.inbox.connection import find_holder
from airflow_provider_lark.core.inbox.survey import survey
from airflow_provider_lark.core.receiving.feed_door import FEED_CHANGED
from airflow_provider_lark.core.sync.doctor import Finding
from airflow_provider_lark.core.sync.doctor.console import Receivers, examine_console
from airflow_provider_lark.core.sync.doctor.events import (
    check_receiver,
    examine_arrivals,
    examine_feed,
    examine_inbox,
    examine_keys,
    examine_queues,
    examine_subscription,
)
from airflow_provider_lark.core.sync.doctor.findings import Answer, look
from airflow_provider_lark.core.sync.feed import TableFeed
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.receiving.api_server import address_of, read_conn_ids, read_receiver_url
from airflow_provider_lark.hooks.receiving.feed import feed_address, open_feeds, tables_of
from airflow_provider_lark.hooks.receiving.inbox import find_queue, name_store
from airflow_provider_lark.hooks.whole_bases import expand_whole_bases


def examine_events(client: LarkClient, hook: LarkHook, args: Namespace) -> Iterator[Finding]:
    """Yield what is found on the way of an event, from Lark to the inbox."""
    settings, subject = hook.settings, "events"
    keys = {"encrypt_key": settings.event_encrypt_key, "verification_token": settings.event_verification_token}
    yield look(subject, "keys", partial(examine_keys, *keys.values()))
    yield from examine_console(client, _find_receivers(hook, args))
    feeds = dict(_look_at_feeds(client, hook, args))
    fed = {each.table.app_token for each in feeds.values() if isinstance(each, TableFeed) and each.state == "ok"}
    for name, address in _bases(hook, args).items():
        yield _beside_feeds(client, address, fed, examine_subscription(client, name, address))
    for name, feed in feeds.items():
        yield look(f"mapping {name}", "feed", partial(examine_feed, feed))
    yield from _examine_store(hook, subject)
    if settings.rabbitmq_conn_id is not None:
        yield look(f"RabbitMQ {settings.rabbitmq_conn_id}", "queues", partial(_examine_queues, hook))
    if args.receiver_url:
        yield look(subject, "receiver", partial(check_receiver, args.receiver_url, **keys, clock=hook.clock))


def _find_receivers(hook: LarkHook, args: Namespace) -> Receivers:
    settings, conn_id = hook.settings, hook.lark_conn_id
    try:
        with opened_engine(name_store(conn_id, settings.token_store_conn_id)) as engine:
            holder = find_holder(engine, settings.app_id) or ""
    except LarkError:
        # the line of the inbox says what is wrong with the store
        holder = None
    base = read_receiver_url()
    try:
        is_in_api_server = conn_id in (read_conn_ids() or ())
    except ConfigError:
        # the log of the api-server says that it does not receive, and why
        is_in_api_server = False
    # below it the api-server has /events/…, and a receiver of its own does not
    urls = (address_of(base, conn_id, "events"), *(() if is_in_api_server else (address_of(base, conn_id),)))
    return Receivers(holder, is_in_api_server or bool(args.receiver_url or base), urls if base else ())


def _look_at_feeds(client: LarkClient, hook: LarkHook, args: Namespace) -> Iterator[tuple[str, TableFeed | LarkError]]:
    """Yield by mapping how its feed stands, or what keeps it from being looked at."""
    try:
        address = feed_address(hook.lark_conn_id, None)
    except ConfigError:
        # it may be good for other things; where feeds post is not compared then
        address = ""
    feeds = open_feeds(hook, client, address)
    for mapping in _mappings(hook, args):
        try:
            (found,) = feeds.status(list(tables_of(hook, client, [mapping])))
        except LarkError as exc:
            yield mapping.name, exc
        else:
            yield mapping.name, found


def _beside_feeds(client: LarkClient, address: TableAddress, fed: Set[str], finding: Finding) -> Finding:
    """Return what was found of a subscription; that the app has no scope for it is no trouble where a feed tells."""
    if not finding.scopes or not fed:
        return finding
    try:
        app_token = client.bitable.locate_base(address)
    except LarkError:
        return finding
    told = f"a feed tells of edits, and the app has no scope to hear of them from Lark: {', '.join(finding.scopes)}"
    return replace(finding, status="ok", detail=told) if app_token in fed else finding


def _mappings(hook: LarkHook, args: Namespace) -> Iterator[TableMapping]:
    """Yield the mappings that are to be examined; of a file that is wrong, their own examination says what."""
    for path in dict.fromkeys(args.mapping):
        try:
            found = expand_whole_bases(load_mappings(path), args.conn_id, args.sql_conn_id)
            mappings = [each.with_bases(hook.bases) for each in found.mappings]
        except LarkError:
            continue
        yield from (each for each in mappings if not args.mapping_name or each.name in args.mapping_name)


def _examine_store(hook: LarkHook, subject: str) -> Iterator[Finding]:
    settings = hook.settings
    try:
        with opened_engine(name_store(hook.lark_conn_id, settings.token_store_conn_id)) as engine:
            groups = survey(engine, settings.app_id)
    except LarkError as exc:
        yield Finding(subject, "inbox", "trouble", f"{type(exc).__name__}: {exc}")
        return
    yield look(subject, "inbox", partial(examine_inbox, groups, hook.clock))
    yield look(subject, "arrivals", partial(examine_arrivals, groups, "event", hook.clock))
    yield look(subject, "clicks", partial(examine_arrivals, groups, "card", hook.clock))
    if any(each.type == FEED_CHANGED for each in groups):
        yield look(subject, "feed", partial(examine_arrivals, groups, FEED_CHANGED, hook.clock))


def _examine_queues(hook: LarkHook) -> Answer:
    queue = find_queue(hook)
    return "not used" if queue is None else examine_queues(queue.count())


def _bases(hook: LarkHook, args: Namespace) -> dict[str, TableAddress]:
    """Return the bases of the connection and of the mappings, each once, by what they are called there."""
    named = {f"base {name}": parse_base(name, bases=hook.bases) for name in hook.bases}
    known = {_place(address) for address in named.values()}
    for mapping in _mappings(hook, args):
        target = mapping.lark
        address = TableAddress(app_token=target.app_token, wiki_token=target.wiki_token)
        if _place(address) not in known:
            known.add(_place(address))
            named[f"base of mapping {mapping.name}"] = address
    return named


def _place(address: TableAddress) -> tuple[str, str]:
    return address.app_token, address.wiki_token
