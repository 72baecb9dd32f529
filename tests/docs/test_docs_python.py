"""Every Python snippet compiles; those that a reader would copy run, against the emulator and SQLite."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from jinja2 import meta
from sqlalchemy import text

from airflow_provider_lark.hooks.lark import LarkHook
from tests.databases import open_sqlite
from tests.docs.pages import READMES, ROOT, Block, Page, all_blocks, all_pages, page

PYTHON = [pytest.param(block, id=block.id) for block in all_blocks("python")]
EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "dags").glob("*.py"))]
OF_A_LOGICAL_DATE = {
    *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date"),
    *("data_interval_start", "data_interval_end", "prev_data_interval_start_success", "prev_start_date_success"),
}
USERS = [
    {"field_name": "姓名", "type": 1},
    {"field_name": "编号", "type": 2},
    {"field_name": "电话", "type": 13},
]
# what Airflow warns of in its own code
EXEMPT = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")


def _import(name: str) -> Any:
    """Import a module; one that this Airflow is too old for says so, and the test is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        if "or newer, which introduced" not in str(exc):
            raise
        pytest.skip(str(exc))


def block_with(name: str, part: str) -> Block:
    (found,) = [block for block in page(name).blocks("python") if part in block.text]
    return found


@pytest.mark.parametrize("block", PYTHON)
def test_snippet_compiles_and_its_imports_exist(block: Block) -> None:
    tree = ast.parse(dedent(block.text), block.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = _import(node.module)
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert missing == []


@pytest.mark.parametrize("text", [*(block.text for block in all_blocks("python")), *EXAMPLES])
def test_dag_without_a_timetable_uses_no_date_that_its_runs_may_lack(text: str) -> None:
    # triggered by `airflow dags trigger`, the REST API or an asset, a run has no logical date
    tree = ast.parse(dedent(text))
    schedules = [key.value for key in ast.walk(tree) if isinstance(key, ast.keyword) and key.arg == "schedule"]
    if not any(isinstance(each, ast.List) or ast.unparse(each) == "None" for each in schedules):
        return
    environment = _import("airflow.sdk").DAG("d", schedule=None).get_template_env()
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    names = set[str]().union(*(meta.find_undeclared_variables(environment.parse(each)) for each in texts))
    assert names & OF_A_LOGICAL_DATE == set()


@pytest.mark.parametrize("each", [pytest.param(each, id=each.name) for each in all_pages()])
def test_dotted_names_lead_to_something(each: Page) -> None:
    for name in sorted(set(re.findall(r"\bairflow_provider_lark(?:\.\w+)+", each.text))):
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            try:
                found: Any = _import(".".join(parts[:length]))
            except ModuleNotFoundError:
                continue
            for part in parts[length:]:
                assert hasattr(found, part), name
                found = getattr(found, part)
            break


@pytest.mark.parametrize("block", [p for p in PYTHON if p.values[0].lead.startswith("From `")])  # type: ignore[attr-defined]
def test_snippet_of_a_file_stands_in_the_file(block: Block) -> None:
    file = re.search(r"`([^`]+)`", block.lead)
    assert file is not None
    assert block.text in (ROOT / file[1]).read_text(encoding="utf-8")


def test_both_readmes_show_the_same_dag() -> None:
    english, chinese = (ast.dump(ast.parse(block.text)) for path in READMES for block in Page(path).blocks("python"))
    assert english == chinese


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give both sides of the quickstart's example, reachable by the connections and variables that it names."""
    from airflow_provider_lark.emulator import Emulator

    database = tmp_path / "shop.db"
    engine = open_sqlite(database)
    with engine.begin() as conn:
        conn.execute(text(next(page("docs/quickstart.md").blocks("sql")).text))
        conn.execute(text("INSERT INTO users VALUES (1, '张三', '13800000000'), (2, '李四', NULL)"))
    with Emulator() as emulator:
        app_token = emulator.state.create_base("Shop").app_token
        table_id = emulator.state.create_table(app_token, "users", USERS).table_id
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        lark["extra"] = {"bases": {"MyDB": app_token}}  # type: ignore[assignment]
        for name, value in {
            "AIRFLOW_CONN_LARK_DEFAULT": json.dumps(lark),
            "AIRFLOW_CONN_SHOP_DB": json.dumps({"conn_type": "sqlite", "host": str(database)}),
            "LARK_APP_ID": emulator.app_id,
            "LARK_APP_SECRET": emulator.app_secret,
            "LARK_HOST": emulator.url,
            "LARK_APP_TOKEN": app_token,
            "DATABASE_URL": f"sqlite:///{database}",
        }.items():
            monkeypatch.setenv(name, value)
        yield lambda: len(emulator.person.records(app_token, table_id))
    engine.dispose()


def test_quickstart_outside_airflow_runs(users: Any, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(block_with("docs/quickstart.md", "engine.setup()").text, "quickstart", "exec"), names)
    names["database"].dispose()
    assert capsys.readouterr().out.splitlines()[-1] == "True"
    assert users() == 2


@EXEMPT
def test_dag_of_the_readme_is_parsed_and_runs(users: Any, tmp_path: Path) -> None:
    bag = dag_bag(tmp_path, block_with("README.md", "DAG(").text)
    task = bag.dags["users_sync"].task_dict["sync"]
    assert task.execute({"run_id": "first"})["to_lark"]["created"] == 2
    again = task.execute({"run_id": "second"})
    assert (again["status"], again["api_calls"]["search"], users()) == ("ok", 1, 2)


@EXEMPT
def test_consumer_of_changes_is_told_of_runs_that_wrote_rows_only(users: Any, tmp_path: Path) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    bag = dag_bag(tmp_path, block_with("docs/operators.md", "AssetAlias").text)
    sync = bag.dags["users_sync_and_tell"].task_dict["sync"]
    table, alias = sync.outlets
    # the fields of the quickstart's table have other names than its columns
    place = {"lark": {"base": "MyDB", "table": "users"}, "sql": {"table": "users"}}
    sync.mapping = {**place, "fields": {"姓名": "name", "编号": "id", "电话": "phone"}}

    def run() -> tuple[dict[str, Any], list[Any]]:
        events = OutletEventAccessors()
        sync.execute({"run_id": "once", "outlet_events": events})
        return events[table].extra, [event.extra["to_sql"] for event in events[alias].asset_alias_events]

    extra, told = run()
    assert (extra["to_lark"]["created"], told) == (2, [])
    with LarkHook().client() as client:
        where = client.bitable.locate(LarkHook().table("MyDB:users"))
        row = {"姓名": "王五", "编号": 7}
        client.bitable.create_record(
            app_token=where.app_token, table_id=where.table_id, fields=row, client_token=str(uuid4())
        )
    assert run()[1] == [{"created": 1, "updated": 0, "deleted": 0}]
    rebuild = bag.dags["rebuild_reports"].task_dict["rebuild"]
    assert rebuild.python_callable(triggering_asset_events={}) is None


@EXEMPT
def test_alarm_dag_is_parsed(tmp_path: Path) -> None:
    bag = dag_bag(tmp_path, block_with("docs/operations.md", "lark_sync_alarm").text)
    assert sorted(bag.dags["lark_sync_alarm"].task_dict) == ["backlog", "failures"]


def dag_bag(folder: Path, source: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    dags = folder / "dags"
    dags.mkdir()
    (dags / "snippet.py").write_text(source, encoding="utf-8")
    bag = DagBag(dag_folder=str(dags))
    assert bag.import_errors == {}
    return bag


def test_every_key_of_a_report_is_told() -> None:
    from airflow_provider_lark.core.ledger.backlog import Backlog
    from airflow_provider_lark.core.sync.report import CheckReport, SetupReport, SyncReport

    told = page("docs/operators.md").code()
    kinds = (SetupReport, SyncReport, CheckReport, Backlog)
    # what a report keeps to itself is not part of its repr
    whole = SyncReport("m", "full", fallbacks=1).to_dict()
    assert whole.keys() == {each.name for each in fields(SyncReport) if each.repr}
    keys = [(kind.__name__, each.name) for kind in kinds for each in fields(kind) if each.repr]
    assert [f"{kind}.{name}" for kind, name in keys if name not in told] == []


def test_every_parameter_is_told() -> None:
    from inspect import isclass, signature

    from airflow_provider_lark.operators import sync
    from airflow_provider_lark.sensors.sync_queue import SyncQueueBacklogSensor

    told = page("docs/operators.md").code()
    own = [each for each in vars(sync).values() if getattr(each, "__module__", "") == sync.__name__ and isclass(each)]
    classes = [each for each in own if each.__name__.startswith("Bitable")] + [SyncQueueBacklogSensor]
    names = {name for each in classes for name in signature(each.__init__).parameters}
    assert sorted(names - set(told) - {"self", "args", "kwargs"}) == []
    assert [
        each.__name__ for each in classes if each.__name__ not in told and each is not sync.BitableSyncOperator
    ] == []
