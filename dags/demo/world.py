"""The demo's two sides: a base in the emulator, and shop.db, a SQLite database filled from the CSV files."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged

HERE = Path(__file__).parent
DATA = HERE / "data" / "divisions"
CONFIG = HERE / "lark_sync.yaml"

EVENT_KEY = "the key of the demo's events"
"""With which the emulator encrypts and signs what it sends to Airflow."""

TEAM = "Data team"
"""The chat that is told of the sync."""

APPROVALS = "Approvals"
"""The chat that ``lark_card_approval`` and ``lark_hitl_approval`` ask."""

TEXT, CHECKBOX = 1, 7
# the first field is the one that the page shows as a record's title
LARK_FIELDS = {
    "cities": {"名称": TEXT, "代码": TEXT, "省份代码": TEXT, "备注": TEXT, "已核对": CHECKBOX},
    "areas": {"名称": TEXT, "代码": TEXT, "城市代码": TEXT, "省份代码": TEXT, "备注": TEXT, "已核对": CHECKBOX},
}
SQL_TABLES = {
    "cities": """
        CREATE TABLE cities (
            code VARCHAR(12) NOT NULL PRIMARY KEY,
            name VARCHAR(80) NOT NULL,
            province_code VARCHAR(12),
            note TEXT,
            checked BOOLEAN NOT NULL DEFAULT FALSE)""",
    "areas": """
        CREATE TABLE areas (
            code VARCHAR(12) NOT NULL PRIMARY KEY,
            name VARCHAR(80) NOT NULL,
            city_code VARCHAR(12),
            province_code VARCHAR(12),
            note TEXT,
            checked BOOLEAN NOT NULL DEFAULT FALSE)""",
}
CSV_COLUMNS = {
    "cities": {"code": "code", "name": "name", "province_code": "provinceCode"},
    "areas": {"code": "code", "name": "name", "city_code": "cityCode", "province_code": "provinceCode"},
}
TABLES = tuple(SQL_TABLES)


@dataclass(frozen=True)
class World:
    """Both sides, filled on the SQL side and empty in Lark.

    :param table_ids: of the Bitable tables, by name.
    :param store: a database in which Airflow's processes share what they know of Lark; None: each for itself.
    """

    emulator: Emulator
    app_token: str
    table_ids: dict[str, str]
    database: Path
    store: Path | None = None

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """Open shop.db; what was done is committed when the block ends well."""
        with closing(sqlite3.connect(self.database)) as conn, conn:
            yield conn

    def records(self, table: str) -> list[dict[str, Any]]:
        """Return the records as a person sees them, straight from the emulator's state."""
        return self.emulator.person.records(self.app_token, self.table_ids[table])

    def count_rows(self, table: str) -> int:
        """Count the rows of a SQL table."""
        with self.sql() as conn:
            return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def send_events_to(self, url: str) -> bool:
        """Give the app its request URL, as a developer does in Lark's console; tell whether it answers."""
        try:
            self.emulator.state.set_event_url(self.emulator.app_id, url, encrypt_key=EVENT_KEY)
        except Unacknowledged:
            return False
        return True

    def send_clicks_to(self, url: str) -> None:
        """Switch on what people press on cards, as a developer does in Lark's console."""
        self.emulator.state.set_callback_url(self.emulator.app_id, url, encrypt_key=EVENT_KEY)

    def count_cards_that_ask(self) -> int:
        """Count the cards that can be pressed."""
        cards = (each.content for each in self.emulator.messages if each.msg_type == "interactive")
        return sum('"callback"' in card for card in cards)

    def is_subscribed(self) -> bool:
        """Tell whether the app has asked for the events of the base."""
        return bool(self.emulator.state.subscriptions.of(self.app_token))

    def connections(self) -> dict[str, dict[str, Any]]:
        """Return the Airflow connections to both sides by their ids."""
        shared = {"store_conn_id": "lark_store", "event_encrypt_key_secret": EVENT_KEY} if self.store else {}
        store = {"conn_type": "sqlite", "description": "What Airflow's processes share", "host": str(self.store)}
        return {
            "lark_default": {
                "conn_type": "lark",
                "description": "The emulator of the demo",
                "host": self.emulator.url,
                # Airflow 3.3.2 refuses the Test button to a connection without one; it means nothing here
                "port": 0,
                "login": self.emulator.app_id,
                "password": self.emulator.app_secret,
                "extra": json.dumps({"bases": {"divisions": self.app_token}, **shared}),
            },
            "shop_db": {
                "conn_type": "sqlite",
                "description": "SQLite database of the demo",
                "host": str(self.database),
            },
            **({"lark_store": store} if self.store else {}),
        }


@contextmanager
def open_world(database: Path, *, port: int = 0, store: Path | None = None) -> Iterator[World]:
    """Start the emulator, make chat, base and its empty tables, and fill a new *database* from the CSV files."""
    fill_database(database)
    if store:
        remove(store)
    with Emulator(port=port) as emulator:
        colleague = emulator.state.add_user("Lin", "lin@example.com")
        for chat in (TEAM, APPROVALS):
            emulator.state.add_chat(chat, [colleague.open_id])
        app_token = emulator.state.create_base("divisions", "Asia/Shanghai").app_token
        table_ids = {
            table: emulator.state.create_table(
                app_token, table, [{"field_name": name, "type": kind} for name, kind in fields.items()]
            ).table_id
            for table, fields in LARK_FIELDS.items()
        }
        yield World(emulator, app_token, table_ids, database, store)


def fill_database(database: Path) -> None:
    """Make *database* anew with the rows of the CSV files."""
    remove(database)
    with closing(sqlite3.connect(database)) as conn, conn:
        for table, ddl in SQL_TABLES.items():
            conn.execute(ddl)
            columns = CSV_COLUMNS[table]
            places = ", ".join("?" * len(columns))
            conn.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", read_csv(table))


def remove(database: Path) -> None:
    """Remove a SQLite *database*, with what it left beside it."""
    for leftover in database.parent.glob(f"{database.name}*"):
        leftover.unlink()


def read_csv(table: str) -> list[tuple[str, ...]]:
    """Return the rows of a CSV file, in the order of the table's columns."""
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return [tuple(row[name] for name in CSV_COLUMNS[table].values()) for row in csv.DictReader(lines)]
