"""What every mapping of a connection needs: the app, its bases, the clock, the token store."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tokens import survey
from airflow_provider_lark.core.api.address import parse_base
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.doctor.findings import ADVANCED, Answer, Finding, look

SKEW_WARNING_SECONDS = 5.0
"""How far two clocks may be apart before the policy ``newest`` is worth a thought."""

SKEW_TROUBLE_SECONDS = 60.0


def examine_app(client: LarkClient) -> list[Finding]:
    """Ask for a token and for the app's bot, and compare the clocks."""
    bot = look("app", "token", lambda: f"connected as app {client.bot.info().name!r}")
    return [bot] if bot.status != "ok" else [bot, look("app", "clock", lambda: _compare_clocks(client))]


def examine_base(client: LarkClient, name: str, bases: Mapping[str, str]) -> Finding:
    """Look whether the app may read one of the named *bases*."""

    def ask() -> Answer:
        app_token = client.bitable.locate_base(parse_base(name, bases=bases))
        app = client.bitable.get_app(app_token=app_token)
        tables = client.bitable.list_tables(app_token=app_token)
        told = f"{app.name!r}, tables: {len(tables)}"
        return ("warning", f"{told}; {ADVANCED}") if app.is_advanced else told

    return look(f"base {name}", "rights", ask)


def examine_token_store(engine: Engine, keyring: Keyring) -> Finding:
    """Look whether the keys open what the token store holds."""

    def ask() -> Answer:
        found = survey(engine, keyring)
        told = f"{counted(found.current + found.older, 'token')}"
        if found.unreadable:
            return "trouble", (
                f"none of the keys can decrypt {counted(len(found.unreadable), 'token')}; add the old key after the "
                "new one"
            )
        if found.older:
            return "warning", f"{told}, {found.older} encrypted with an older key: run `airflow lark tokens reencrypt`"
        return told

    return look("token store", "keys", ask)


def _compare_clocks(client: LarkClient) -> Answer:
    offset_ms = client.server_offset_ms
    if offset_ms is None:
        return "warning", "Lark's responses have no Date header"
    seconds = abs(offset_ms) / 1000
    told = f"this machine is {seconds:.0f} s {'behind' if offset_ms > 0 else 'ahead of'} Lark"
    if seconds > SKEW_TROUBLE_SECONDS:
        return "trouble", f"{told}; set its clock (NTP)"
    if seconds > SKEW_WARNING_SECONDS:
        return (
            "warning",
            f"{told}; set its clock (NTP), otherwise conflicts with the policy `newest` may be resolved wrongly",
        )
    return told
