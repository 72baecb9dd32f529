"""The commands as the shell gives them to Airflow's parser, on a migrated Airflow database and the emulator."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass

import pytest
import yaml
from cryptography.fernet import Fernet
from sqlalchemy import text

from tests.airflow_home import migrate, prepare
from tests.databases import open_sqlite

prepare()


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def airflow_db():
    """Airflow's own database, migrated once."""
    migrate()


@pytest.fixture(scope="session")
def parser(airflow_db):
    import argparse

    from airflow.cli.cli_parser import AirflowHelpFormatter, _add_command

    from airflow_provider_lark.cli.definition import get_lark_cli_commands

    parser = argparse.ArgumentParser(prog="airflow", formatter_class=AirflowHelpFormatter)
    commands = parser.add_subparsers(dest="subcommand", required=True)
    for each in get_lark_cli_commands():
        _add_command(commands, each)
    return parser


@pytest.fixture
def airflow(parser, capsys):
    """Run ``airflow <arguments>`` in this process."""

    def run(*arguments):
        status = 0
        try:
            args = parser.parse_args(["lark", *arguments])
            args.func(args)
        except SystemExit as exc:
            # as the interpreter does: a text goes to stderr and means 1
            if isinstance(exc.code, str):
                status, said = 1, exc.code
                captured = capsys.readouterr()
                return Outcome(status, captured.out, captured.err + said)
            status = exc.code or 0
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def emulator():
    from airflow_provider_lark.emulator import Emulator

    # an app that no other run has on a broker which several share
    with Emulator(app_id=f"cli_{secrets.token_hex(8)}") as emu:
        yield emu


@pytest.fixture
def connections(airflow_db):
    """Give Airflow's connections, and leave none behind."""
    from airflow.models import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    def read():
        with create_session() as session:
            return {conn.conn_id: conn for conn in session.scalars(select(Connection)).all()}

    yield read
    with create_session() as session:
        session.execute(delete(Connection))


@pytest.fixture
def shop(emulator, tmp_path, monkeypatch):
    """Two tables, a mapping file between them, and connections in the environment."""
    app_token = emulator.state.create_base("Shop").app_token
    fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
    emulator.state.create_table(app_token, "areas", fields)
    database = tmp_path / "shop.db"
    with open_sqlite(database).begin() as conn:
        conn.execute(text("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))"))
    lark = {
        "conn_type": "lark",
        "login": emulator.app_id,
        "password": emulator.app_secret,
        "host": emulator.url,
        "extra": {"bases": {"MyDB": app_token}},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    file = tmp_path / "lark_sync.yaml"
    file.write_text(yaml.safe_dump({"mappings": [{"lark": {"base": "MyDB", "table": "areas"}, "sql": "areas"}]}))
    return str(file)


@pytest.fixture
def connect(shop, monkeypatch, tmp_path):
    """Give what sets the shop's connection, with all that receiving needs unless told otherwise."""
    conn = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "store.db")}))

    def change(**extra):
        full = {
            "store_conn_id": "store",
            "event_encrypt_key_secret": "encrypt key",
            "event_verification_token": "verification token",
        }
        kept = {name: value for name, value in (conn["extra"] | full | extra).items() if value is not None}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({**conn, "extra": kept}))

    change()
    return change


@pytest.fixture
def queue(rabbitmq_url, emulator, monkeypatch):
    """A RabbitMQ connection, and what tells of the app's queues there; they are deleted afterwards."""
    from airflow_provider_lark.core.inbox.rabbitmq.broker import QueueNames
    from airflow_provider_lark.core.inbox.rabbitmq.queues import AppQueues
    from airflow_provider_lark.hooks.connections.rabbitmq import open_broker

    monkeypatch.setenv("AIRFLOW_CONN_BROKER", rabbitmq_url)
    broker = open_broker("broker")
    yield AppQueues(broker, emulator.app_id)
    connection = broker.connect(seconds=60)
    for name in (QueueNames(emulator.app_id).main, QueueNames(emulator.app_id).dead):
        connection.channel().queue_delete(name)
    connection.collect()
