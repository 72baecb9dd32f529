"""Figures through Airflow's own stats, to a real StatsD server and a real collector."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from textwrap import dedent

import pytest
from airflow.sdk.exceptions import AirflowException
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from airflow_provider_lark.core import SyncEngine, TableMapping
from airflow_provider_lark.hooks.figures import names, sending
from airflow_provider_lark.hooks.figures.calls import route_names
from airflow_provider_lark.hooks.figures.sending import LONGEST_VALUE, write_value
from airflow_provider_lark.hooks.figures.sync import sync_figures
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.sync import (
    BitableConsistencyCheckOperator,
    BitableFullSyncOperator,
    BitableIncrementalSyncOperator,
)
from tests.skin.orders import context
from tests.skin.stats import StatsdServer, forget_stats, otel_collector, read_influx
from tests.skin.task_process import run_task

BAD_NAME = "MyDB:审批 / 2026 a|b:c#d,e=f"
INFLUX = {"statsd_on": "True", "statsd_influxdb_enabled": "True"}


def run(operator, shop, name="areas", **parameters):
    return operator(task_id="t", mapping=shop.mapping | {"name": name}, **parameters).execute(context())


@pytest.fixture
def stats_are(monkeypatch):
    """Give what switches Airflow's stats on as [metrics] says; at the end they are as nobody had set them up."""
    forget_stats()
    monkeypatch.setattr(sending, "_given_up", 0)

    def switch_on(**options):
        for name, value in options.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)

    yield switch_on
    forget_stats()


@pytest.fixture
def server():
    running = StatsdServer()
    yield running
    running.close()


@pytest.fixture
def statsd(server, stats_are):
    """A StatsD server that understands tags of Influx, and is told all."""
    stats_are(**INFLUX, statsd_host="127.0.0.1", statsd_port=str(server.port))
    return server


def test_run_sends_rows_each_way_calls_and_how_the_mapping_is(shop, statsd):
    shop.execute("INSERT INTO areas VALUES ('1101', '北京'), ('3101', '上海')")
    shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "4401", "name": "广州"})
    run(BitableFullSyncOperator, shop)
    counters, gauges = read_influx(statsd.take())
    assert counters["lark.sync.runs", "areas", "full", "ok"] == 1
    assert counters["lark.sync.rows", "areas", "to_lark", "created"] == 2
    assert counters["lark.sync.rows", "areas", "to_sql", "created"] == 1
    assert counters["lark.api.token_renewals", "tenant_token"] == 1
    assert counters["lark.api.calls", "batch_create", "0"] == 1
    called = sum(count for key, count in counters.items() if key[0] == "lark.api.calls")
    assert called == sum(shop.emulator.counters().values())
    assert gauges["lark.sync.pending", "areas"] == 0
    assert gauges["lark.sync.last_run", "areas"] == gauges["lark.sync.last_success", "areas"] > 1.7e9
    # what was written before there was a sync is late by nobody's fault
    assert not [key for key in counters if key[0] == "lark.sync.delay_ms"]


def test_edits_tell_how_long_they_took_each_way_and_a_check_the_drift(shop, statsd):
    shop.execute("INSERT INTO areas VALUES ('1', 'a'), ('2', 'b')")
    run(BitableFullSyncOperator, shop)
    statsd.take()
    shop.execute("UPDATE areas SET name = 'sql' WHERE code = '1'")
    shop.execute("UPDATE sync_queue SET created_at = datetime('now', '-100 seconds') WHERE status = 'pending'")
    found = shop.emulator.person.records(shop.app_token, shop.table_id)
    record = next(each["record_id"] for each in found if each["fields"]["code"][0]["text"] == "2")
    shop.emulator.person.edit_record(shop.app_token, shop.table_id, record, {"name": "lark"})
    run(BitableIncrementalSyncOperator, shop)
    counters, _ = read_influx(statsd.take())
    assert counters["lark.sync.rows", "areas", "to_lark", "updated"] == 1
    assert counters["lark.sync.rows", "areas", "to_sql", "updated"] == 1
    assert {way: counters["lark.sync.delayed_rows", "areas", way] for way in ("to_lark", "to_sql")} == {
        "to_lark": 1,
        "to_sql": 1,
    }
    assert 99_000 <= counters["lark.sync.delay_ms", "areas", "to_lark"] < 700_000
    assert 0 <= counters["lark.sync.delay_ms", "areas", "to_sql"] < 600_000
    # an idle run has no delay, and does not count the last one's again
    run(BitableIncrementalSyncOperator, shop)
    assert not [line for line in statsd.take() if ".delay" in line]
    shop.execute("UPDATE areas SET name = 'aside' WHERE code = '1'")
    shop.execute("DELETE FROM sync_queue")
    run(BitableConsistencyCheckOperator, shop, fail_on_drift=False)
    counters, gauges = read_influx(statsd.take())
    assert gauges["lark.sync.drift", "areas"] == 1
    assert ("lark.sync.last_run", "areas") not in gauges  # a check is no sync


def test_figures_of_trouble(shop, statsd, time_flies):
    shop.execute("INSERT INTO areas VALUES ('1', 'a'), ('2', 'b')")
    run(BitableFullSyncOperator, shop)
    statsd.take()
    shop.emulator.faults.add("/records/search", code=99991400, status=429, times=1)
    shop.emulator.faults.add("/records/search", code=77777, status=400, times=1)
    with pytest.raises(AirflowException):
        run(BitableIncrementalSyncOperator, shop)
    counters, gauges = read_influx(statsd.take())
    # a code that nobody knows is no tag
    assert counters["lark.api.calls", "search", "99991400"] == counters["lark.api.calls", "search", "other"] == 1
    assert counters["lark.api.rate_limit_waits", "search"] >= 1
    assert counters["lark.api.rate_limit_wait_ms", "search"] > 0
    assert counters["lark.sync.runs", "areas", "incremental", "failed"] == 1
    assert counters["lark.sync.run_errors", "areas", "bad_request"] == 1
    assert ("lark.sync.last_run", "areas") in gauges
    assert ("lark.sync.last_success", "areas") not in gauges


def test_tags_are_of_closed_sets_however_many_rows_fail_and_codes_come(shop, statsd, time_flies):
    run(BitableFullSyncOperator, shop)
    failed = [{"key": f"key{n}", "text": f"text{n}"} for n in range(500)]
    with shop.engine.begin() as conn:
        columns = "(table_name, record_id, status, error_message)"
        conn.execute(text(f"INSERT INTO sync_queue {columns} VALUES ('areas', :key, 'failed', :text)"), failed)
    for number in range(30):
        shop.emulator.faults.add("/records/search", code=88000 + number, status=500, times=1)
    statsd.take()
    # each run tries six times
    for _ in range(5):
        with pytest.raises(AirflowException):
            run(BitableIncrementalSyncOperator, shop)
    run(BitableIncrementalSyncOperator, shop)
    lines = statsd.take()
    counters, gauges = read_influx(lines)
    assert gauges["lark.sync.failed", "areas"] == 500
    assert not re.search(r"key\d|text\d|88\d{3}", "\n".join(lines))
    assert {key[2] for key in counters if key[0] == "lark.api.calls"} == {"0", "other"}
    series = {key for key in (*counters, *gauges) if key[0].startswith("lark.sync.")}
    # how it is, without a check; rows; other counts; two ways in which runs end; the one kind of error
    assert len(series) == (len(names.STATES) - 1) + 6 + 5 + 2 + 1


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"statsd_on": "True"}, "airflow.lark.sync.pending.{}:0|g"),
        (INFLUX, "airflow.lark.sync.pending,mapping={}:0|g"),
        ({"statsd_datadog_enabled": "True"}, "airflow.lark.sync.pending:0|g|#mapping:{}"),
        (
            {"statsd_datadog_enabled": "True", "statsd_datadog_metrics_tags": "False"},
            "airflow.lark.sync.pending.{}:0|g",
        ),
    ],
    ids=["plain", "influx", "datadog", "datadog without tags"],
)
def test_names_of_users_are_dropped_by_no_backend_and_never_become_one(shop, server, stats_are, told, options, written):
    stats_are(**options, statsd_host="127.0.0.1", statsd_port=str(server.port))
    alike = [BAD_NAME, BAD_NAME.lower(), BAD_NAME.replace(" ", "_"), BAD_NAME.replace(" ", "__"), f"{BAD_NAME}_"]
    for name in alike:
        run(BitableFullSyncOperator, shop, name)
    lines = server.take()
    for name in alike:
        assert sum(line == written.format(write_value(name)) for line in lines) == 1, name
    assert all(line.isascii() for line in lines)
    assert {re.match(r"airflow\.(lark\.\w+\.[a-z_]+)", line)[1] for line in lines} <= {f.name for f in names.FIGURES}
    assert "nvalid" not in told()


# as Datadog takes a tag: small letters, others than these an underscore, one for several, none at the end
def in_datadog(text):
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9_:./-]", "_", text.lower())).rstrip("_")


TEXTS = st.text(st.sampled_from("aA1_-. é"), max_size=9) | st.text(max_size=60)


@given(st.lists(TEXTS, min_size=2, max_size=2, unique=True))
def test_two_texts_never_become_one_value(texts):
    one, other = map(write_value, texts)
    assert in_datadog(one) == one != other == in_datadog(other)
    assert max(len(one), len(other)) <= LONGEST_VALUE


def test_values_stay_readable_and_long_ones_differ():
    assert write_value("shop_orders_2026") == "shop_orders_2026"
    assert write_value("") == "--"
    assert write_value("长" * 100 + "a") != write_value("长" * 100 + "b")


def test_names_of_figures_and_routes_are_fixed_ascii():
    assert all(re.fullmatch(r"lark\.(api|sync)\.[a-z_]+", figure.name) for figure in names.FIGURES)
    assert len({figure.name for figure in names.FIGURES}) == len(names.FIGURES)
    routes = route_names()
    assert all(write_value(name) == name for name in routes.values())
    assert len(set(routes.values())) == len(routes) > 80


def test_uninstall_sets_to_0_what_would_stay_for_ever(shop, statsd):
    shop.execute("INSERT INTO areas VALUES ('1', 'a')")
    run(BitableFullSyncOperator, shop)
    shop.execute("INSERT INTO areas VALUES ('2', 'b')")
    shop.emulator.faults.add("batch_create", code=1254060, status=200, times=None)
    run(BitableIncrementalSyncOperator, shop)
    _, gauges = read_influx(statsd.take())
    assert gauges["lark.sync.pending", "areas"] == 1
    with LarkHook().client() as client:
        engine = SyncEngine(client, shop.engine, TableMapping.from_dict(shop.mapping))
        engine.observer = sync_figures()
        engine.uninstall(keep_state=True)
        assert statsd.take() == []  # as for a change of columns: it goes on
        engine.uninstall()
    _, gone = read_influx(statsd.take())
    assert gone.keys() == {(figure.name, "areas") for figure in names.STATES} >= gauges.keys()
    assert set(gone.values()) == {0}


TASK = dedent("""
    from airflow.sdk import DAG
    from airflow_provider_lark.operators.sync import BitableFullSyncOperator

    with DAG("made_in_a_test", schedule=None):
        mapping = {"name": %r, "lark": {"base": "MyDB", "table": "areas"}, "sql": {"table": "areas"}}
        BitableFullSyncOperator(task_id="sync", mapping=mapping, sql_conn_id="shop_db")
""")


def run_in_process(shop, monkeypatch, tmp_path, **options):
    lark = {"login": shop.emulator.app_id, "password": shop.emulator.app_secret, "host": shop.emulator.url}
    lark["extra"] = json.dumps({"bases": {"MyDB": shop.app_token}})
    connections = {
        "lark_default": {"conn_type": "lark", **lark},
        "shop_db": {"conn_type": "sqlite", "host": shop.engine.url.database},
    }
    shop.execute("INSERT INTO areas VALUES ('1', 'a'), ('2', 'b')")
    return run_task(monkeypatch, tmp_path, TASK % BAD_NAME, "sync", connections, level="INFO", **options)


def test_short_task_leaves_its_figures_with_the_collector(shop, monkeypatch, tmp_path, stats_are):
    with otel_collector() as collector:
        stats_are(otel_on="True", otel_interval_milliseconds="30000")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        done = run_in_process(shop, monkeypatch, tmp_path)
        assert done.state == "success"
        mine = write_value(BAD_NAME)
        found = {(name, *sorted(tags.values())): value for name, tags, value in collector.points}
    assert found["airflow.lark.sync.rows", *sorted((mine, "to_lark", "created"))] == 2
    assert found["airflow.lark.sync.runs", *sorted((mine, "full", "ok"))] == 1
    assert found["airflow.lark.api.calls", *sorted(("batch_create", "0"))] == 1
    assert ("airflow.lark.sync.pending", mine) in found


def test_metrics_server_without_an_address_costs_one_line_and_no_run(shop, monkeypatch, tmp_path, stats_are):
    stats_are(statsd_on="True", statsd_host="no.such.host.invalid")
    done = run_in_process(shop, monkeypatch, tmp_path)
    assert done.state == "success"
    # Airflow's own line, which 3.2 writes twice
    assert sum("StatsClient" in line["event"] for line in done.lines) in (1, 2)
    assert shop.lark_names() == {"1": "a", "2": "b"}


def test_setting_that_airflow_cannot_use_is_told_once_and_costs_no_run(shop, stats_are, monkeypatch, caplog):
    stats_are(statsd_on="True", statsd_custom_client_path="tests.skin.stats.StatsdServer")
    for _ in range(2):
        assert run(BitableFullSyncOperator, shop)["status"] == "ok"
    assert [record.message.split(":")[0] for record in caplog.records if record.name == sending.__name__] == [
        "no more figures are sent from this process"
    ]


def test_collector_that_is_gone_costs_no_run(shop, monkeypatch, tmp_path, stats_are):
    stats_are(otel_on="True")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2")
    done = run_in_process(shop, monkeypatch, tmp_path)
    assert done.state == "success"
    assert shop.lark_names() == {"1": "a", "2": "b"}
    assert sum("Failed to export" in line["event"] for line in done.lines) in (1, 2)


def test_server_that_goes_away_costs_no_run(shop, statsd):
    run(BitableFullSyncOperator, shop)
    assert statsd.take() != []
    statsd.close()
    assert run(BitableIncrementalSyncOperator, shop)["status"] == "ok"


def test_nothing_is_sent_where_stats_are_off(shop, server, stats_are):
    stats_are(statsd_host="127.0.0.1", statsd_port=str(server.port))
    run(BitableFullSyncOperator, shop)
    assert sync_figures() is None
    assert server.take() == []


OFF = """
import json, os, sys
os.environ["AIRFLOW_CONN_LARK_DEFAULT"] = json.dumps({"conn_type": "lark", "login": "cli_a", "password": "s"})
from airflow_provider_lark.hooks.lark import LarkHook
hook = LarkHook()
# Airflow 3.4 imports its own stats when it reads a connection
assert hook.settings
before = set(sys.modules)
hook.client().close()
from airflow_provider_lark.hooks.figures.sync import sync_figures
assert sync_figures() is None
print([name for name in sys.modules if name.startswith("airflow") and "observability" in name and name not in before])
"""


def test_nothing_is_imported_where_stats_are_off():
    done = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
