"""A database with sales, and what a chat has been told of them."""

from __future__ import annotations

import json

from airflow_provider_lark.core import LarkClient


class Sales:
    """A database with sales, behind an Airflow connection, and the chat that is told."""

    def __init__(self, team, emulator, engine):
        self.team, self.emulator, self.engine = team, emulator, engine
        self.run("CREATE TABLE sales (id INTEGER PRIMARY KEY, name VARCHAR(50), amount NUMERIC(10, 2))")
        for at, (name, amount) in enumerate([("华东", 12.5), ("华南", 7.25), ("其他", None)]):
            self.run("INSERT INTO sales VALUES (:id, :name, :amount)", id=at, name=name, amount=amount)

    def run(self, sql, **values):
        from sqlalchemy import text

        with self.engine.begin() as conn:
            conn.execute(text(sql), values)

    @property
    def messages(self):
        return self.emulator.messages

    @property
    def card(self):
        return json.loads(self.messages[-1].content)

    def download(self, key="file_key"):
        found = json.loads(self.messages[-1].content)[key]
        with LarkClient(self.emulator.app_id, self.emulator.app_secret, self.emulator.url) as client:
            return client.resources.download_file(file_key=found)
