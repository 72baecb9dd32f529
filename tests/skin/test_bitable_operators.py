"""The operators of records, executed against the emulator over HTTP."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from airflow.sdk import DAG, Asset

from airflow_provider_lark.operators.bitable_records import (
    BitableCreateRecordsOperator,
    BitableDeleteRecordsOperator,
    BitableGetRecordsOperator,
    BitableListRecordsOperator,
    BitableUpdateRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.operators.records import results
from tests.skin.orders import context, fails, run

pytestmark = pytest.mark.usefixtures("time_flies")


ROW = {"code": "A1", "qty": 2.5, "status": "open", "tags": ["new", "big"], "paid": True, "due": "2026-11-22T08:00:00Z"}


def test_records_go_there_and_come_back_as_plain_json(orders):
    made = run(BitableCreateRecordsOperator, records=[ROW, {"code": "A2"}])
    assert made["created"] == 2
    listed = run(BitableListRecordsOperator, sort="code")
    assert json.loads(json.dumps(listed)) == listed
    first, second = listed["records"]
    made_time = first["fields"].pop("made")
    assert made_time.startswith("2")
    assert first == {"record_id": made["record_ids"][0], "fields": {**ROW, "due": first["fields"]["due"]}}
    assert first["fields"]["due"].startswith("2026-11-22T08:00:00")
    assert second["fields"].keys() == {"code", "made"}
    assert (listed["total"], listed["app_token"], listed["table_id"]) == (2, orders.base, orders.table_id)


def test_what_was_listed_can_be_written_back(orders):
    run(BitableCreateRecordsOperator, records=[ROW])
    listed = run(BitableListRecordsOperator)
    before = orders.emulator.person.records(*orders.ids.values())
    assert run(BitableUpdateRecordsOperator, records=listed["records"], skip_read_only=True)["updated"] == 1
    assert "made (CreatedTime)" in fails(BitableUpdateRecordsOperator, records=listed["records"])
    after = orders.emulator.person.records(*orders.ids.values())
    assert [r["fields"] | {"made": 0} for r in before] == [r["fields"] | {"made": 0} for r in after]


def test_whole_result_of_a_task_may_be_passed_on(orders):
    # `.output["records"]` names another XCom, which no task writes
    made = run(BitableCreateRecordsOperator, records=[{"code": "A1"}, {"code": "A2"}])
    listed = run(BitableListRecordsOperator, field_names=["code"])
    assert run(BitableUpdateRecordsOperator, records=listed)["updated"] == 2
    assert run(BitableUpdateRecordsOperator, records=json.dumps(listed))["updated"] == 2
    assert len(run(BitableGetRecordsOperator, record_ids=listed)["records"]) == 2
    assert run(BitableDeleteRecordsOperator, record_ids=json.dumps(made))["deleted"] == 2
    assert run(BitableDeleteRecordsOperator, record_ids=run(BitableListRecordsOperator))["deleted"] == 0
    assert "record_ids[0]: expected an id" in fails(BitableGetRecordsOperator, record_ids={"total": 1})


@pytest.mark.parametrize(
    ("filter_", "codes"),
    [
        pytest.param({"status": "open"}, ["A1", "A3"], id="value"),
        pytest.param({"status": ["open", "done"], "qty": {"isGreater": 1}}, ["A2", "A3"], id="one of, and comparison"),
        pytest.param({"qty": None}, ["A4"], id="empty cell"),
        pytest.param({"qty": {"isEmpty": False}, "paid": True}, ["A2"], id="filled cell, checkbox"),
        pytest.param({"tags": ["x", "z"]}, ["A1", "A3"], id="list field: any of"),
        pytest.param({"due": "2026-11-22"}, ["A2"], id="day in the zone"),
        pytest.param(
            {"due": ["2026-11-22", datetime.fromisoformat("2026-11-23T01:00")]}, ["A2", "A3"], id="one of two days"
        ),
        pytest.param({"due": {"isGreater": date(2026, 11, 1), "isLess": 1795406400000}}, ["A2"], id="date, and ms"),
        pytest.param({"due": "LastMonth", "code": "none"}, [], id="word"),
        pytest.param({"due": {"isLess": ["ExactDate", "1795406400000"]}}, ["A2"], id="day in Lark's form"),
        pytest.param({"qty": {"isGreater": "1", "isLess": " 3 "}, "paid": "True"}, ["A2"], id="texts of a template"),
        pytest.param(
            {"conjunction": "or", "conditions": [{"field_name": "qty", "operator": "is", "value": 3}], "children": []},
            ["A3"],
            id="Lark's own form, with a number",
        ),
        pytest.param('{"code": "A4"}', ["A4"], id="JSON text"),
        pytest.param({}, ["A1", "A2", "A3", "A4"], id="nothing"),
    ],
)
def test_list_finds_what_meets_the_filter(orders, filter_, codes):
    noon = 1795320000000  # 2026-11-22 12:00 in Shanghai
    orders.add(
        {"code": "A1", "qty": 1, "status": "open", "tags": ["x", "y"]},
        {"code": "A2", "qty": 2, "status": "done", "paid": True, "due": noon},
        {"code": "A3", "qty": 3, "status": "open", "tags": ["z"], "due": noon + 86_400_000},
        {"code": "A4", "paid": True},
    )
    found = run(BitableListRecordsOperator, filter=filter_, sort=["code"], time_zone="Asia/Shanghai")
    assert [record["fields"]["code"] for record in found["records"]] == codes


def dues(orders):
    found = orders.emulator.person.records(orders.base, orders.table_id)
    return [record["fields"].get("due") for record in found]


def test_dates_without_a_zone_are_those_that_people_see_in_the_base(orders):
    base = orders.emulator.state.bases[orders.base]
    base.time_zone = "Asia/Tokyo"
    run(BitableCreateRecordsOperator, records=[{"code": "A1", "due": "2026-11-22"}, {"code": "A2"}])
    assert 1795273200000 in dues(orders)  # 2026-11-22 00:00 +09:00
    found = run(BitableListRecordsOperator, filter={"due": "2026-11-22"})
    assert [record["fields"]["code"] for record in found["records"]] == ["A1"]
    run(BitableCreateRecordsOperator, records=[{"code": "A3", "due": "2026-11-22"}], time_zone="UTC")
    assert 1795305600000 in dues(orders)


def test_list_finds_the_same_however_lark_reads_several_values_and_groups(orders):
    orders.add(
        {"code": "A1", "qty": 1, "tags": ["x", "y"]},
        {"code": "A2", "qty": 2, "tags": ["z"]},
        {"code": "A3", "qty": 1, "tags": ["z"]},
        {"code": "A4", "qty": 1},
    )
    orders.emulator.switches.update({"contains_all": True, "conditions_beside_children": False})
    lark = {"conjunction": "or", "conditions": [{"field_name": "tags", "operator": "contains", "value": ["x"]}]}
    both = {**lark, "conjunction": "and", "children": [lark]}
    for filter_, codes in (
        ({"tags": ["x", "z"], "qty": 1}, ["A1", "A3"]),
        ({"tags": ["x", None]}, ["A1", "A4"]),
        ({"tags": [f"t{n}" for n in range(11)] + ["y"]}, ["A1"]),
        ({**both, "conditions": [{"field_name": "qty", "operator": "is", "value": 1}]}, ["A1"]),
    ):
        found = run(BitableListRecordsOperator, filter=filter_, sort=["code"])
        assert [record["fields"]["code"] for record in found["records"]] == codes


def test_list_compares_automatic_numbers(orders):
    orders.emulator.person.add_field(orders.base, orders.table_id, {"field_name": "no", "type": 1005})
    orders.add({"code": "A1"}, {"code": "A2"}, {"code": "A3"})
    found = run(BitableListRecordsOperator, filter={"no": {"isGreater": 1, "isLess": "3"}})
    assert [record["fields"]["code"] for record in found["records"]] == ["A2"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param(
            {"filter": {"statsu": "open"}}, ["field 'statsu' does not exist", "did you mean 'status'?"], id="field"
        ),
        pytest.param(
            {"filter": {"qty": {"isBig": 3}}}, ["operator 'isBig' is not supported", "isGreaterEqual"], id="operator"
        ),
        pytest.param({"filter": {"due": {"isGreaterEqual": "Today"}}}, ["due (DateTime)", "isGreater"], id="dates"),
        pytest.param(
            {"filter": {"due": {"isLess": "LastWeek"}}}, ["LastWeek is only supported with 'is'"], id="date word"
        ),
        pytest.param({"filter": {"due": "soon"}}, ["expected a datetime", "Today"], id="no date"),
        pytest.param({"filter": {"code": {"is": ["a", "b"]}}}, ["is takes one value"], id="two values"),
        pytest.param({"filter": {"tags": {"contains": list("abcdefghijk")}}}, ["takes 1 to 10 values"], id="eleven"),
        pytest.param({"filter": {"tags": {"is": ["x", "y"]}}}, ["is takes one value"], id="a list that is"),
        pytest.param({"filter": ["code"]}, ["expected a dictionary"], id="no dictionary"),
        pytest.param({"filter": {"conjunction": "and", "where": 1}}, ["unknown key 'where'"], id="member"),
        pytest.param({"sort": ["status"] * 50}, ["sort: longer than the 1,000"], id="long sort"),
        pytest.param({"filter": {"paid": "yes"}}, ["paid (Checkbox)", "true or false"], id="checkbox"),
        pytest.param({"filter": {"qty": float("nan")}}, ["finite number"], id="nan"),
        pytest.param({"filter": {"code": []}}, ["an empty list matches no record"], id="empty list"),
        pytest.param({"filter": {"code": [str(n) for n in range(51)]}}, ["51 conditions", "50"], id="conditions"),
        pytest.param({"filter": {"code": "x" * 2000}}, ["characters, more than the 2,000 Lark allows"], id="length"),
        pytest.param({"filter": {"qty": "1,000"}}, ["qty (Number)", "thousands separators"], id="number"),
        pytest.param({"filter": {"status": {}}}, ["status (SingleSelect)", "no comparison"], id="no comparison"),
        pytest.param(
            {"filter": {"qty": [{"isLess": 3}]}}, ["a list may only contain values"], id="comparison in a list"
        ),
        pytest.param({"filter": {"conjunction": "and"}}, ["has no conditions"], id="no condition"),
        pytest.param({"filter": {"conjunction": "and", "children": [{}]}}, ["children[0].conjunction"], id="child"),
        pytest.param({"filter": {"conjunction": "and", "conditions": [1]}}, ["conditions[0]: must be"], id="no object"),
        pytest.param({"filter": {"conjunction": "xor", "conditions": []}}, ["'and' or 'or'"], id="conjunction"),
        pytest.param({"filter": "status=open"}, ["filter: text is not valid JSON", "tojson"], id="no json"),
        pytest.param({"sort": ["-cod"]}, ["sort: ", "did you mean 'code'?"], id="sort"),
        pytest.param({"field_names": ["Qty"]}, ["field_names: ", "did you mean 'qty'?"], id="field_names"),
        pytest.param({"view": "All orders"}, ["no view 'All orders'", "known: "], id="view"),
        pytest.param(
            {"view": "vew1", "sort": "qty"},
            ["view", "ignores view_id when filter or sort is given"],
            id="view and sort",
        ),
        pytest.param({"limit": "many"}, ["limit: expected a whole number"], id="limit"),
        pytest.param({"time_zone": "Mars/Base"}, ["'Mars/Base' is not a time zone"], id="time_zone"),
        pytest.param({"time_zone": "Asia"}, ["'Asia' is not a time zone"], id="folder of time zones"),
        pytest.param({"table": "MyDB:ordres"}, ["no table named 'ordres'", "orders"], id="table"),
        pytest.param({"table": "Other:orders"}, ["'Other' is not a known base name", "known: MyDB"], id="base"),
        pytest.param({"table": ""}, ["table: is empty"], id="no table"),
        pytest.param({"lark_conn_id": "nowhere"}, ["'nowhere': does not exist"], id="connection"),
    ],
)
def test_bad_parameters_of_a_list_are_named(orders, parameters, words):
    message = fails(BitableListRecordsOperator, **parameters)
    assert [word for word in words if word not in message] == []


def test_formulas_cannot_be_filtered_by(orders):
    total = {"field_name": "total", "type": 20, "property": {"formula_expression": "1"}}
    orders.emulator.person.add_field(*orders.ids.values(), total)
    assert "total (Formula): Lark cannot filter by this field" in fails(BitableListRecordsOperator, filter={"total": 1})


def test_list_reads_no_more_than_its_limit(orders):
    orders.add(*({"code": str(n)} for n in range(1200)))
    found = run(BitableListRecordsOperator, limit="700", field_names=["code"])
    assert (len(found["records"]), found["total"], orders.calls("search")) == (700, 1200, 2)
    count = run(BitableListRecordsOperator, limit=0)
    assert (count["records"], count["total"]) == ([], 1200)


def test_list_that_is_too_much_for_an_xcom_says_what_else_to_do(orders, monkeypatch):
    monkeypatch.setattr(results, "XCOM_BYTES_MAX", 40_000)
    orders.add(*({"code": f"{n:080d}"} for n in range(1500)))
    message = fails(BitableListRecordsOperator, field_names=["code"])
    assert all(
        word in message
        for word in ("the records (1,500 in total)", "40,000 bytes", "output_path", "BitableToSqlOperator")
    )
    # what is surely too much is not read to its end
    assert orders.calls("search") == 1


def test_list_writes_to_a_path_line_by_line(orders, tmp_path):
    orders.add(*({"code": str(n)} for n in range(600)))
    path = f"file://{tmp_path}/orders.jsonl"
    done = run(BitableListRecordsOperator, field_names=["code"], output_path=path)
    lines = (tmp_path / "orders.jsonl").read_text().splitlines()
    assert (done["path"], done["written"], done["total"], len(lines)) == (path, 600, 600, 600)
    assert json.loads(lines[0])["fields"].keys() == {"code"}


def test_get_returns_records_in_the_order_asked(orders):
    first, second = orders.add({"code": "A1"}, {"code": "A2"})
    got = run(BitableGetRecordsOperator, record_ids=[second, first, "recGone000000", second], if_missing="skip")
    assert [record["record_id"] for record in got["records"]] == [second, first]
    assert (got["missing"], got["forbidden"]) == (["recGone000000"], [])
    assert "records that do not exist or are hidden from the app (1): recGone000000" in fails(
        BitableGetRecordsOperator, record_ids=f"{first}, recGone000000"
    )


@pytest.mark.parametrize(
    ("size", "words"),
    [
        pytest.param(1001, "batch_size must be 1 to 1000, got 1001", id="large"),
        pytest.param("0", "batch_size must be 1 to 1000, got 0", id="none"),
        pytest.param("many", "batch_size: expected a whole number", id="text"),
    ],
)
def test_impossible_batch_size_is_refused(orders, size, words):
    assert words in fails(BitableCreateRecordsOperator, records=[ROW], batch_size=size)


def test_names_may_come_as_text_from_templates(orders):
    run(BitableCreateRecordsOperator, records=[{"code": "A1", "qty": 1}, {"code": "A2", "qty": 2}], batch_size="1")
    assert orders.calls("batch_create") == 2
    listed = run(BitableListRecordsOperator, field_names='["code"]', sort='["-qty"]')
    assert [record["fields"] for record in listed["records"]] == [{"code": "A2"}, {"code": "A1"}]
    assert run(BitableListRecordsOperator, field_names="code", sort="None")["records"][0]["fields"] == {"code": "A1"}
    done = run(BitableUpsertRecordsOperator, records=[{"code": "A1", "qty": 1}], key_fields='["code", "qty"]')
    assert done["unchanged"] == 1


def test_one_module_has_every_operator():
    from airflow_provider_lark.operators import bitable, bitable_attachments, bitable_records, bitable_tables

    defined = {
        name
        for module in (bitable_attachments, bitable_records, bitable_tables)
        for name, each in vars(module).items()
        if name.startswith("Bitable") and each.__module__ == module.__name__
    }
    assert sorted(defined) == bitable.__all__


def test_templates_render_in_every_parameter(orders):
    with DAG("templated", schedule=None):
        operator = BitableUpsertRecordsOperator(
            task_id="t",
            table="{{ table }}",
            base="{{ base }}",
            records="{{ rows | tojson }}",
            key_fields=["{{ key }}"],
            time_zone="{{ zone }}",
        )
    rows = [{"code": "甲", "due": "2026-11-22 08:00"}]
    operator.render_template_fields(
        {"table": "orders", "base": "MyDB", "rows": rows, "key": "code", "zone": "Asia/Shanghai"}
    )
    assert operator.execute(context())["created"] == 1
    assert (orders.cells(), orders.cells("due")) == (["甲"], [1795305600000])


@pytest.mark.parametrize("form", ["address", "wiki", "ids", "named base"])
def test_table_may_be_named_in_every_form(orders, form):
    node = orders.emulator.state.add_wiki_node(orders.base)
    parameters = {
        "address": {"table": f"https://shop.feishu.cn/base/{orders.base}?table={orders.table_id}"},
        "wiki": {"table": f"https://shop.feishu.cn/wiki/{node}?table={orders.table_id}"},
        "ids": {"base": orders.base, "table": orders.table_id},
        "named base": {"base": "MyDB", "table": "orders"},
    }[form]
    assert run(BitableCreateRecordsOperator, records=[{"code": "A1"}], **parameters)["table_id"] == orders.table_id
    assert orders.cells() == ["A1"]


def test_view_of_an_address_counts_without_a_filter_only(orders):
    # the emulator applies no view, but knows its id
    table = orders.emulator.state.table(orders.base, orders.table_id)
    address = f"https://shop.feishu.cn/base/{orders.base}?table={orders.table_id}&view={table.views[0].view_id}"
    orders.add({"code": "A1"}, {"code": "A2"})
    assert run(BitableListRecordsOperator, table=address)["total"] == 2
    assert run(BitableListRecordsOperator, table=address, filter={"code": "A1"})["total"] == 1
    assert run(BitableListRecordsOperator, view=table.views[0].name)["total"] == 2
    assert "the view does not exist" in fails(BitableListRecordsOperator, view="vewUnknown000")


def test_link_opens_the_table_where_the_task_found_it(orders):
    operator = BitableListRecordsOperator(task_id="t", table="MyDB:orders")
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None) == ""
    operator.execute(context())
    assert link.get_link(operator, ti_key=None) == f"{orders.emulator.url}/base/{orders.base}?table={orders.table_id}"


def test_link_leaves_out_whom_an_address_names(orders):
    address = f"https://ann:canary@shop.feishu.cn/base/{orders.base}?table={orders.table_id}"
    operator = BitableListRecordsOperator(task_id="t", table=address)
    operator.execute(context())
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None).startswith("https://shop.feishu.cn/base/")


def test_outlet_of_the_table_gets_the_counts(orders):
    host = orders.emulator.url.removeprefix("http://")
    mine = [Asset(f"lark://{host}/{orders.base}/{orders.table_id}"), Asset("lark://MyDB/orders")]
    other = Asset("lark://MyDB/customers")
    ctx = context()
    run(BitableCreateRecordsOperator, records=[{"code": "A1"}], outlets=[*mine, other], ctx=ctx)
    assert [ctx["outlet_events"][asset].extra for asset in (*mine, other)] == [{"created": 1}, {"created": 1}, {}]


@pytest.fixture
def lineage(monkeypatch):
    """Airflow's collector as it is when a plugin reads hook lineage."""
    from airflow.sdk import lineage, plugins_manager

    lineage.get_hook_lineage_collector.cache_clear()
    monkeypatch.setattr(plugins_manager, "get_hook_lineage_readers_plugins", lambda: ["a plugin"])
    yield lineage.get_hook_lineage_collector()
    lineage.get_hook_lineage_collector.cache_clear()


def test_hook_lineage_hears_what_was_read_and_written(orders, lineage):
    run(BitableCreateRecordsOperator, records=[{"code": "A1"}])
    run(BitableListRecordsOperator)
    uri = f"lark://{orders.emulator.url.removeprefix('http://')}/{orders.base}/{orders.table_id}"
    collected = lineage.collected_assets
    assert [info.asset.uri for info in collected.inputs] == [uri]
    assert [info.asset.uri for info in collected.outputs] == [uri]


def test_asset_uris_of_tables_are_taken_as_they_are():
    for uri in ("lark://open.feishu.cn/bascnShop/tblOrders", "lark://MyDB/orders"):
        assert Asset(uri).uri == Asset(uri).normalized_uri == uri


def test_openlineage_hears_of_the_table_where_its_provider_is_installed(orders):
    operator = BitableCreateRecordsOperator(task_id="t", table="MyDB:orders", records=[{"code": "A1"}])
    assert operator.get_openlineage_facets_on_complete(None) is None
    operator.execute(context())
    told = operator.get_openlineage_facets_on_complete(None)
    try:
        from airflow.providers.openlineage.utils.utils import translate_airflow_asset
    except ImportError:
        assert told is None
        return
    (dataset,) = told.outputs
    assert (dataset.namespace, dataset.name) == (operator.table_place.namespace, f"{orders.base}.{orders.table_id}")
    assert translate_airflow_asset(Asset(operator.table_place.uri), None) == dataset
