"""The operators, executed against the emulator over HTTP and real databases."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.operators.sync import (
    BitableConsistencyCheckOperator,
    BitableFullSyncOperator,
    BitableIncrementalSyncOperator,
    BitableSyncSetupOperator,
    summarize,
)


class TaskInstance:
    """Keeps what is pushed."""

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


def context():
    return {"run_id": "manual__1", "ti": TaskInstance()}


def run(operator, **parameters):
    return operator(task_id="t", **parameters).execute(context())


def test_operators_keep_both_sides_in_step(open_shop, engine):
    shop = open_shop(engine)
    shop.execute("INSERT INTO areas VALUES ('1101', '北京'), ('3101', '上海')")
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "广州"})
    assert run(BitableSyncSetupOperator, mapping=shop.mapping)["status"] == "ok"
    full = run(BitableFullSyncOperator, mapping=shop.mapping)
    assert (full["to_lark"]["created"], full["to_sql"]["created"]) == (2, 1)
    shop.execute("UPDATE areas SET name = '上海市' WHERE code = '3101'")
    incremental = run(BitableIncrementalSyncOperator, mapping=shop.mapping)
    assert incremental["to_lark"] == {"created": 0, "updated": 1, "deleted": 0}
    check = run(BitableConsistencyCheckOperator, mapping=shop.mapping)
    assert (check["in_step"], check["equal"]) == (True, 3)
    assert shop.lark_names() == shop.sql_names() == {"1101": "北京", "3101": "上海市", "4401": "广州"}


def test_report_is_compact_json(shop):
    report = run(BitableFullSyncOperator, mapping=shop.mapping)
    assert json.loads(json.dumps(report)) == report
    assert report["api_calls"]["total"] > 0


def test_check_of_tables_that_differ_fails_and_leaves_its_report(shop):
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "广州"})
    ctx = context()
    with pytest.raises(AirflowFailException, match=r"Lark and SQL differ: check areas: .*only_lark 1"):
        BitableConsistencyCheckOperator(task_id="t", mapping=shop.mapping).execute(ctx)
    assert ctx["ti"].pushed["return_value"]["only_lark"] == 1


def test_check_that_may_find_drift_returns_its_report(shop):
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "广州"})
    assert run(BitableConsistencyCheckOperator, mapping=shop.mapping, fail_on_drift=False)["in_step"] is False


def test_full_sync_refuses_a_mass_delete_until_it_is_allowed(shop):
    shop.execute("INSERT INTO areas SELECT value, 'n' FROM (SELECT 1 AS value)")
    for code in range(2, 31):
        shop.execute("INSERT INTO areas VALUES (:code, 'n')", code=str(code))
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.delete_records(
        shop.app_token,
        shop.table_id,
        [r["record_id"] for r in shop.emulator.person.records(shop.app_token, shop.table_id)],
    )
    with pytest.raises(AirflowFailException, match="SafetyStop"):
        run(BitableFullSyncOperator, mapping=shop.mapping)
    assert len(shop.sql_names()) == 30
    run(BitableFullSyncOperator, mapping=shop.mapping, allow_mass_deletes="True")
    assert shop.sql_names() == {}


def test_incremental_sync_holds_a_mass_delete_of_sql_until_it_is_allowed(shop):
    for code in range(1, 4):
        shop.execute("INSERT INTO areas VALUES (:code, 'n')", code=str(code))
    run(BitableFullSyncOperator, mapping=shop.mapping)
    before = len(shop.emulator.person.records(shop.app_token, shop.table_id))
    shop.execute("DELETE FROM areas")
    with pytest.raises(AirflowFailException, match=r"SafetyStop: .*rows deleted in SQL whose records are kept"):
        run(BitableIncrementalSyncOperator, mapping=shop.mapping)
    assert len(shop.emulator.person.records(shop.app_token, shop.table_id)) == before > 0
    done = run(BitableIncrementalSyncOperator, mapping=shop.mapping, allow_mass_deletes="True")
    assert (done["to_lark"]["deleted"], done["held"]) == (before, 0)


def test_dry_run_tells_counts_and_keys_and_no_values_and_writes_nothing(shop, caplog):
    run(BitableFullSyncOperator, mapping=shop.mapping)
    # keys as long as they come; more of them than are named
    for code in range(40):
        shop.execute("INSERT INTO areas VALUES (:code, '机密')", code=f"{code:02}" + "长" * 490)
    before = (shop.sql_names(), shop.lark_names())
    with caplog.at_level("DEBUG"):
        told = run(BitableIncrementalSyncOperator, mapping=shop.mapping, dry_run="{{ run_id == 'manual__1' }}")
    assert (told["dry_run"], told["to_lark"]) == (True, {"created": 40, "updated": 0, "deleted": 0})
    would = told["would"]["lark.create"]
    assert (would["count"], len(would["keys"]), would["more"]) == (40, 10, 30)
    text = json.dumps(told)
    assert len(text) < 64 * 1024
    # values are for the person at the shell
    assert "机密" not in json.dumps(told, ensure_ascii=False) + caplog.text
    assert (shop.sql_names(), shop.lark_names()) == before
    done = run(BitableIncrementalSyncOperator, mapping=shop.mapping)
    assert done["to_lark"] == told["to_lark"]


@pytest.mark.parametrize("form", ["short form", "json", "object", "file", "file with two", "named in a list"])
def test_mapping_may_come_in_every_form(shop, tmp_path, form):
    from airflow_provider_lark.core import TableMapping

    other = {"lark": {"base": "Unknown", "table": "x"}, "sql": {"table": "x"}}
    path = tmp_path / "lark.yaml"
    path.write_text(yaml.safe_dump({"mappings": [shop.mapping] + ([other] if form == "file with two" else [])}))
    parameters = {
        "short form": {"mapping": {"MyDB:areas": "areas"}, "sql_conn_id": "shop_db"},
        "json": {"mapping": json.dumps(shop.mapping)},
        "object": {"mapping": TableMapping.from_dict(shop.mapping)},
        "file": {"mapping": str(path)},
        "file with two": {"mapping": str(path), "mapping_name": "areas"},
        "named in a list": {"mapping": [shop.mapping, other], "mapping_name": "areas"},
    }[form]
    assert run(BitableSyncSetupOperator, **parameters)["mapping"] == "areas"


def test_sql_conn_id_of_the_operator_wins(shop, monkeypatch):
    mapping = shop.mapping | {"sql": {"conn_id": "elsewhere", "table": "areas"}}
    assert run(BitableSyncSetupOperator, mapping=mapping, sql_conn_id="shop_db")["status"] == "ok"


def test_templates_render_in_every_parameter(shop):
    from airflow.sdk import DAG

    with DAG("templated", schedule=None):
        operator = BitableFullSyncOperator(
            task_id="t",
            mapping={"lark": {"base": "MyDB", "table": "{{ table }}"}, "sql": {"table": "{{ table }}"}},
            lark_conn_id="{{ lark }}",
            sql_conn_id="{{ sql }}",
            allow_mass_deletes="{{ yes }}",
        )
    operator.render_template_fields({"table": "areas", "lark": "lark_default", "sql": "shop_db", "yes": False})
    assert operator.execute(context())["status"] == "ok"


def fails(operator, *, kind=AirflowFailException, **parameters):
    with pytest.raises(AirflowException) as caught:
        run(operator, **parameters)
    assert type(caught.value) is kind
    assert caught.value.__context__ is not None
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"mapping": ""}, ["mapping: is empty"], id="empty"),
        pytest.param({"mapping": "{'name': 'areas'}"}, ["tojson", "render_template_as_native_obj"], id="repr"),
        pytest.param({"mapping": "/no/such.yaml"}, ["/no/such.yaml", "cannot be read"], id="no file"),
        pytest.param(
            {"mapping": {"lark": {}, "sql": {"table": "areas"}}}, ["mapping.lark", "no base; give app_token"], id="part"
        ),
        pytest.param({"mapping": {"Who:areas": "areas"}}, ["'Who'", "known: MyDB", '"bases"'], id="unknown base"),
        pytest.param({"mapping_name": "cities"}, ["'cities'", "areas"], id="unknown name"),
        pytest.param(
            {"lark_conn_id": "nowhere"}, ["'nowhere': does not exist", "AIRFLOW_CONN_NOWHERE"], id="lark conn"
        ),
        pytest.param({"sql_conn_id": "nowhere"}, ["'nowhere': does not exist"], id="sql conn"),
        pytest.param({"sql_conn_id": "lark_default"}, ["type 'lark'", "PostgreSQL"], id="no database"),
        pytest.param(
            {"sql_conn_id": "odd"}, ["'odd': Airflow has no hook for type 'odd'"], id="unknown kind of connection"
        ),
    ],
)
def test_bad_parameters_are_named(shop, monkeypatch, changes, words):
    monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps({"conn_type": "odd"}))
    message = fails(BitableSyncSetupOperator, **{"mapping": shop.mapping} | changes)
    assert [word for word in words if word not in message] == []


def test_mapping_without_a_database_asks_for_one(shop):
    message = fails(BitableSyncSetupOperator, mapping={"MyDB:areas": "areas"})
    assert "'areas': no database connection; set sql_conn_id on the operator" in message


def test_several_mappings_ask_for_a_name(shop, tmp_path):
    path = tmp_path / "lark.yaml"
    path.write_text(yaml.safe_dump([{"MyDB:areas": "areas", "MyDB:cities": "cities"}]))
    assert "contains 2 mappings (areas, cities); select one with mapping_name" in fails(
        BitableSyncSetupOperator, mapping=str(path)
    )


def test_broken_yaml_is_named_with_its_line(shop, tmp_path):
    path = tmp_path / "lark.yaml"
    path.write_text("mappings:\n  - name: areas\n  lark: [\n")
    assert "lark.yaml, line 3" in fails(BitableSyncSetupOperator, mapping=str(path))


def test_wrong_app_secret_is_permanent_and_not_shown(shop, monkeypatch):
    wrong = {"conn_type": "lark", "login": shop.emulator.app_id, "password": "wr0ng-secret", "host": shop.emulator.url}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(wrong))
    message = fails(BitableSyncSetupOperator, mapping=shop.mapping)
    assert "NotAuthorized" in message
    assert "wr0ng-secret" not in message


def test_unknown_base_is_permanent_and_hints_at_the_wiki(shop):
    mapping = shop.mapping | {"lark": {"app_token": "wikcnNode", "table_id": "tblNone"}}
    assert "wiki" in fails(BitableSyncSetupOperator, mapping=mapping).lower()


def test_sql_table_without_a_key_is_named(shop):
    shop.execute("CREATE TABLE loose (code TEXT, name TEXT)")
    mapping = shop.mapping | {"sql": {"conn_id": "shop_db", "table": "loose"}}
    message = fails(BitableSyncSetupOperator, mapping=mapping)
    assert "loose" in message
    assert "key" in message


@pytest.mark.usefixtures("time_flies")
def test_unreachable_lark_is_left_to_the_retries(shop):
    shop.emulator.stop()
    message = fails(BitableIncrementalSyncOperator, kind=AirflowException, mapping=shop.mapping)
    assert "Unreachable" in message


def test_summary_leaves_out_what_is_zero():
    report = {"mapping": "areas", "operation": "full", "status": "ok", "seconds": 1.23456, "failed": 0}
    report |= {"to_lark": {"created": 2, "deleted": 0}, "problems": [], "in_step": True}
    assert summarize(report) == "full areas: ok, seconds 1.235, to_lark created 2, in_step True"


@pytest.mark.parametrize("has_store", [True, False])
def test_persons_by_email_are_kept_in_the_token_store_or_beside_the_ledger(shop, monkeypatch, tmp_path, has_store):
    from sqlalchemy import inspect, text

    from tests.databases import open_sqlite

    if has_store:
        lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
        lark["extra"]["token_store_conn_id"] = "shared_db"
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        shared = {"conn_type": "sqlite", "host": str(tmp_path / "shared.db")}
        monkeypatch.setenv("AIRFLOW_CONN_SHARED_DB", json.dumps(shared))
        monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", "A" * 43 + "=")
    ann = shop.emulator.state.add_user("Ann", "ann@x.y")
    shop.emulator.person.add_field(shop.app_token, shop.table_id, {"field_name": "owner", "type": 11})
    shop.execute("ALTER TABLE areas ADD COLUMN owner VARCHAR(80)")
    shop.execute("INSERT INTO areas VALUES ('1101', '北京', 'ann@x.y')")

    report = run(BitableFullSyncOperator, mapping={**shop.mapping, "users": "email"})

    assert report["status"] == "ok"
    (record,) = shop.emulator.person.records(shop.app_token, shop.table_id)
    assert record["fields"]["owner"][0]["id"] == ann.open_id
    place = open_sqlite(tmp_path / ("shared.db" if has_store else "shop.db"))
    with place.connect() as conn:
        assert conn.scalars(text("SELECT lookup FROM user_cache")).all() == ["ann@x.y"]
    place.dispose()
    assert inspect(shop.engine).has_table("user_cache") is not has_store


def test_check_repairs_what_differs_and_succeeds(shop):
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "广州"})
    asked = {"mapping": shop.mapping, "repair": "policy", "threshold": "0", "settle_seconds": "0"}
    told = run(BitableConsistencyCheckOperator, **asked, dry_run="true", fail_on_drift=False)
    assert (told["dry_run"], told["would"]["sql.create"]["keys"], told["in_step"]) == (True, ["4401"], False)
    assert told["warnings"] == ["1 row differs, more than the threshold of 0"]
    done = run(BitableConsistencyCheckOperator, **asked)
    assert (done["repaired"], done["to_sql"]["created"], done["in_step"]) == (1, 1, True)
    assert shop.lark_names() == shop.sql_names()


def test_check_refuses_a_repair_that_there_is_not(shop):
    with pytest.raises(ValueError, match="repair is 'both'; expected 'no', 'sql', 'lark' or 'policy'"):
        BitableConsistencyCheckOperator(task_id="t", mapping=shop.mapping, repair="both")


def test_check_writes_reports_and_returns_their_paths_without_values(shop, tmp_path):
    run(BitableFullSyncOperator, mapping=shop.mapping)
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "机密"})
    paths = [str(tmp_path / "{mapping}.html"), str(tmp_path / "day" / "check.json")]
    told = run(BitableConsistencyCheckOperator, mapping=shop.mapping, report=paths, fail_on_drift=False)
    assert told["reports"] == [str(tmp_path / "areas.html"), paths[1]]
    assert "机密" not in json.dumps(told, ensure_ascii=False)
    assert all("机密" in Path(path).read_text(encoding="utf-8") for path in told["reports"])
    run(BitableConsistencyCheckOperator, mapping=shop.mapping, report=paths, fail_on_drift=False, report_values=False)
    assert not any("机密" in Path(path).read_text(encoding="utf-8") for path in told["reports"])
    with pytest.raises(AirflowFailException, match=r"report 'check.txt': the name must end in .html or .json"):
        run(BitableConsistencyCheckOperator, mapping=shop.mapping, report="check.txt")
    assert "reports" not in run(
        BitableConsistencyCheckOperator, mapping=shop.mapping, report="None", fail_on_drift=False
    )
