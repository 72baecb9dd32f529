"""The cards of a mapping that is no more: nobody would turn them green."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.ledger import Ledger, tables
from airflow_provider_lark.core.sync.health.alarm import Alarm, end
from airflow_provider_lark.core.sync.health.card import grey_card

STAYS_RED = "the card that says it is not well stays red; another uninstall tries again"


def count_red(engine: Engine, table_name: str) -> int:
    """Return how many cards say that the sync of a table is not well."""
    return len(_red(engine, table_name))


def close_cards(client: LarkClient, engine: Engine, table_name: str, mapping: str) -> list[str]:
    """Turn the red cards of a mapping grey, and return in words what kept one of them red."""
    problems = []
    for place, alarm in _red(engine, table_name).items():
        card = content.card(grey_card(mapping, since_ms=alarm.red_ms))
        try:
            client.messaging.update_card(message_id=alarm.message_id, card=card, sent_form="2.0")
        except LarkError as exc:
            problems.append(f"{STAYS_RED}: {exc}")
            continue
        with write_transaction(engine) as conn:
            Ledger(conn, table_name).alarms.write(place, **asdict(end(alarm)))
    return problems


def _red(engine: Engine, table_name: str) -> dict[str, Alarm]:
    with open_session(engine) as conn:
        if not inspect(conn).has_table(tables.alarm.name):
            return {}
        kept = {place: Alarm(**values) for place, values in Ledger(conn, table_name).alarms.all().items()}
    return {place: alarm for place, alarm in kept.items() if alarm.looks_red}
