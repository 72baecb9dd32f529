"""What the sync operators tell others: the button, asset events with counts, events of changes only, lineage."""

from __future__ import annotations

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.operators.sync import (
    BitableConsistencyCheckOperator,
    BitableFullSyncOperator,
    BitableIncrementalSyncOperator,
    BitableSyncSetupOperator,
)
from tests.skin.orders import context as task_context
from tests.skin.orders import open_orders


@pytest.fixture
def by_name(shop):
    return {"lark": {"base": "MyDB", "table": "areas"}, "sql": {"conn_id": "shop_db", "table": "areas"}}


def run(operator, mapping, **parameters):
    """Run a task and return it with the events of its outlets."""
    task = operator(task_id="t", mapping=mapping, **parameters)
    events = OutletEventAccessors()
    task.execute({"run_id": "manual__1", "ti": None, "outlet_events": events})
    return task, events


def link_of(task):
    (button,) = task.operator_extra_links
    return button.get_link(task, ti_key=None)


def aliased(events, alias):
    return [(event.dest_asset_key.uri, event.extra) for event in events[alias].asset_alias_events]


@pytest.mark.parametrize(
    "operator",
    [
        BitableSyncSetupOperator,
        BitableFullSyncOperator,
        BitableIncrementalSyncOperator,
        BitableConsistencyCheckOperator,
    ],
)
def test_button_opens_the_table_of_every_sync_operator(shop, by_name, operator):
    task, _ = run(operator, by_name)
    assert link_of(task) == f"{shop.emulator.url}/base/{shop.app_token}?table={shop.table_id}"


def test_button_opens_the_table_of_a_task_that_failed(shop):
    for code in range(30):
        shop.execute("INSERT INTO areas VALUES (:code, 'n')", code=str(code))
    run(BitableFullSyncOperator, shop.mapping)
    records = shop.emulator.person.records(shop.app_token, shop.table_id)
    shop.emulator.person.delete_records(shop.app_token, shop.table_id, [each["record_id"] for each in records])
    task = BitableFullSyncOperator(task_id="t", mapping=shop.mapping)
    with pytest.raises(AirflowFailException, match="SafetyStop"):
        task.execute({"run_id": "manual__1"})
    assert link_of(task).endswith(f"?table={shop.table_id}")


def test_task_that_never_knew_its_table_has_no_button(shop):
    task = BitableFullSyncOperator(task_id="t", mapping={"Who:areas": "areas"}, sql_conn_id="shop_db")
    with pytest.raises(AirflowFailException):
        task.execute({"run_id": "manual__1"})
    assert link_of(task) == ""


@pytest.mark.parametrize("uri", ["lark://MyDB/areas", "lark://{host}/{app_token}/{table_id}"])
def test_event_of_the_tables_asset_has_the_counts(shop, by_name, uri):
    host = shop.emulator.url.partition("://")[2]
    asset = Asset(uri.format(host=host, app_token=shop.app_token, table_id=shop.table_id))
    shop.execute("INSERT INTO areas VALUES ('1101', '北京')")
    _, events = run(BitableFullSyncOperator, by_name, outlets=[asset])
    assert events[asset].extra["to_lark"] == {"created": 1, "updated": 0, "deleted": 0}
    assert events[asset].extra["status"] == "ok"
    _, events = run(BitableConsistencyCheckOperator, by_name, outlets=[asset])
    assert (events[asset].extra["equal"], events[asset].extra["in_step"]) == (1, True)


def test_alias_has_an_event_only_when_something_changed(shop, by_name):
    alias = AssetAlias("areas_changed")
    shop.execute("INSERT INTO areas VALUES ('1101', '北京')")
    _, events = run(BitableFullSyncOperator, by_name, outlets=[alias])
    ((uri, extra),) = aliased(events, alias)
    assert (uri, extra["to_lark"]["created"]) == ("lark://MyDB/areas", 1)
    for operator in (BitableFullSyncOperator, BitableIncrementalSyncOperator, BitableConsistencyCheckOperator):
        _, events = run(operator, by_name, outlets=[alias])
        assert aliased(events, alias) == []
    run(BitableSyncSetupOperator, by_name, outlets=[alias])


@pytest.mark.parametrize(("changes", "told"), [("both", [1, 1]), ("to_sql", [0, 1]), ("to_lark", [1, 0])])
def test_alias_may_be_told_of_one_way_only(shop, by_name, changes, told):
    alias = AssetAlias("areas_changed")
    run(BitableFullSyncOperator, by_name)
    counts = []
    for edit in (
        lambda: shop.execute("INSERT INTO areas VALUES ('1101', '北京')"),
        lambda: shop.emulator.person.add_record(shop.app_token, shop.table_id, {"code": "3101", "name": "上海"}),
    ):
        edit()
        _, events = run(BitableIncrementalSyncOperator, by_name, outlets=[alias], alias_changes=changes)
        counts.append(len(aliased(events, alias)))
    assert counts == told


def test_unknown_way_is_refused_when_the_file_is_read(by_name):
    with pytest.raises(ConfigError, match="alias_changes is 'sql'; expected 'both', 'to_sql' or 'to_lark'"):
        BitableFullSyncOperator(task_id="t", mapping=by_name, alias_changes="sql")


def test_alias_of_an_operator_for_records_has_an_event_only_when_something_changed(emulator, monkeypatch):
    from airflow_provider_lark.operators.bitable import BitableListRecordsOperator, BitableUpsertRecordsOperator

    open_orders(emulator, monkeypatch)
    alias, counts = AssetAlias("orders_changed"), []
    for _ in range(2):
        upsert = BitableUpsertRecordsOperator(
            task_id="t", table="MyDB:orders", records=[{"code": "a"}], key_fields=["code"], outlets=[alias]
        )
        context = task_context()
        upsert.execute(context)
        counts.append(len(aliased(context["outlet_events"], alias)))
    context = task_context()
    BitableListRecordsOperator(task_id="t", table="MyDB:orders", outlets=[alias]).execute(context)
    assert (counts, aliased(context["outlet_events"], alias)) == ([1, 0], [])


@pytest.mark.parametrize(
    ("direction", "ways"), [("both", ("both", "both")), ("to_sql", ("in", "out")), ("to_lark", ("out", "in"))]
)
def test_lineage_goes_the_way_of_the_mapping(open_shop, engine, direction, ways):
    shop = open_shop(engine)
    task, _ = run(BitableFullSyncOperator, {**shop.mapping, "direction": direction})
    facets = task.get_openlineage_facets_on_complete(None)
    if facets is None:
        # the provider of OpenLineage is not installed, or not made for this Airflow
        return
    names = {"lark": f"{shop.app_token}.{shop.table_id}", "sql": "areas"}
    found = {
        side: [
            way
            for way, sets in (("in", facets.inputs), ("out", facets.outputs))
            if any(s.name.endswith(name) for s in sets)
        ]
        for side, name in names.items()
    }
    expected = {
        side: ["in", "out"] if way == "both" else [way] for side, way in zip(("lark", "sql"), ways, strict=True)
    }
    # OpenLineage has no name for a SQLite file
    assert found == (expected if engine.dialect.name != "sqlite" else {**expected, "sql": []})
