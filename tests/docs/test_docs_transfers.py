"""The page on transfers tells every parameter and every key of a report, and its DAGs run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from tests.databases import open_sqlite
from tests.docs.pages import page
from tests.docs.test_docs_python import EXEMPT, dag_bag

PAGE = "docs/transfers.md"


def block_with(part: str) -> str:
    (found,) = [block.text for block in page(PAGE).blocks("python") if part in block.text]
    return found


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give what the page's DAGs name: a base called MyDB, and a database with orders."""
    from airflow_provider_lark.emulator import Emulator

    database = tmp_path / "shop.db"
    engine = open_sqlite(database)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE orders (code INTEGER PRIMARY KEY, customer TEXT, total REAL, ordered_at TEXT)"))
        conn.execute(text("INSERT INTO orders VALUES (1, 'Ann', 99, NULL), (2, 'Bo', 600, '2026-05-01 09:30')"))
    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
        yield SimpleNamespace(engine=engine, emulator=emulator, base=base, url=f"sqlite:///{database}")
    engine.dispose()


def test_every_parameter_and_every_key_is_told() -> None:
    from airflow_provider_lark.core.transfer.files.attachments import FilesReport
    from airflow_provider_lark.core.transfer.report import TransferReport
    from airflow_provider_lark.operators import bitable_attachments as attachments
    from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
    from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator

    operators = (
        SqlToBitableOperator,
        BitableToSqlOperator,
        attachments.BitableUploadAttachmentsOperator,
        attachments.BitableDownloadAttachmentsOperator,
    )
    told = page(PAGE).code()
    lineages = {each for operator in operators for each in operator.__mro__ if "lark" in each.__module__}
    lineages = {each for each in lineages if "__init__" in vars(each)}
    parameters = {name for each in lineages for name in signature(each.__init__).parameters}
    keys = {each.name for report in (TransferReport, FilesReport) for each in fields(report)}
    assert sorted((parameters | keys) - set(told) - {"self", "args", "kwargs"}) == []
    assert [each.__name__ for each in operators if each.__name__ not in told] == []


@EXEMPT
def test_both_dags_are_parsed_and_run(shop: Any, tmp_path: Path) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1)
    context: Any = {"run_id": "r", "ti": ti, "outlet_events": OutletEventAccessors()}
    for folder in ("there", "back"):
        (tmp_path / folder).mkdir()
    there = dag_bag(tmp_path / "there", block_with("publish_orders")).dags["publish_orders"].task_dict["publish"]
    assert there.execute(context)["created"] == 1
    assert there.execute(context)["unchanged"] == 1
    back = dag_bag(tmp_path / "back", block_with("collect_orders")).dags["collect_orders"].task_dict["collect"]
    assert back.execute(context)["created"] == 1
    with shop.engine.connect() as conn:
        rows = conn.execute(text("SELECT code, total FROM large_orders")).all()
    assert [tuple(row) for row in rows] == [(2, 600.0)]


def test_transfer_outside_airflow_runs(shop: Any) -> None:
    from airflow_provider_lark.core import LarkClient

    names: dict[str, Any] = {}
    exec(compile(block_with("def publish"), PAGE, "exec"), names)
    with LarkClient(shop.emulator.app_id, shop.emulator.app_secret, shop.emulator.url) as client:
        assert names["publish"](client, shop.url, shop.base) == 2
        assert names["publish"](client, shop.url, shop.base) == 2
