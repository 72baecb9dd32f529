"""LarkApiOperator against the emulator over HTTP."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.hooks.calls.api_call import take
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX
from airflow_provider_lark.operators.api import LarkApiOperator


def call(**parameters):
    return LarkApiOperator(task_id="t", **parameters).execute({})


@pytest.fixture
def tables(shop):
    """The path of a base's tables, of which there are three."""
    for name in ("orders", "users"):
        shop.emulator.state.create_table(shop.app_token, name, [{"field_name": "id", "type": 1}])
    return f"/open-apis/bitable/v1/apps/{shop.app_token}/tables"


def test_get_returns_the_data_of_the_answer(shop, tables):
    found = call(path=tables)
    assert [table["name"] for table in found["items"]] == ["areas", "orders", "users"]
    assert "code" not in found


def test_answer_without_data_is_returned_whole(shop):
    assert set(call(path="/open-apis/bot/v3/info")) == {"bot"}


def test_log_names_the_api_and_no_value(tables, capsys):
    call(path=f"{tables}?page_size=17")
    told = capsys.readouterr().out
    assert f"{tables}: call succeeded" in told
    assert "page_size" not in told


def test_post_sends_query_and_json(shop):
    person = shop.emulator.state.add_user("Ann", email="ann@example.com")
    found = call(
        method="post",
        path="/open-apis/contact/v3/users/batch_get_id",
        query={"user_id_type": "open_id", "unused": None},
        json={"emails": [person.email, "nobody@example.com"]},
        result_path="data.user_list.0.user_id",
    )
    assert found == person.open_id


def test_parameters_render_from_templates_and_json_text(shop, tables):
    with DAG("templated", schedule=None):
        operator = LarkApiOperator(
            task_id="t", path="{{ path }}", query="{{ query | tojson }}", result_path="{{ part }}", json=""
        )
    operator.render_template_fields({"path": tables, "query": {"page_size": 1}, "part": "data.items.0.name"})
    assert operator.execute({}) == "areas"


def test_list_to_page_through_renders_from_a_template(shop, tables):
    with DAG("templated", schedule=None):
        operator = LarkApiOperator(task_id="t", path=tables, items="{{ part }}", paginate=True)
    operator.render_template_fields({"part": "items"})
    assert operator.execute({})["count"] == 3


def test_pages_are_collected(shop, tables):
    found = call(path=tables, query={"page_size": 1}, paginate=True, result_path="name")
    assert found == {"items": ["areas", "orders", "users"], "count": 3, "is_complete": True}


def test_pages_stop_at_the_cap_and_say_so(shop, tables, capsys):
    found = call(path=tables, query={"page_size": 1}, paginate=True, max_items="2", result_path="name")
    assert found == {"items": ["areas", "orders"], "count": 2, "is_complete": False}
    assert "stopped after 2 items although there are more; raise max_items to read them" in capsys.readouterr().out
    assert call(path=tables, paginate=True, max_items=3)["is_complete"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"path": "/bot/v3/info"}, "path starting with /open-apis/", id="no api"),
        pytest.param({"path": "https://evil.example/open-apis/bot/v3/info"}, "not on http", id="another host"),
        pytest.param({"path": "/open-apis/bot/v3/info", "method": "HEAD"}, "expected one of GET", id="method"),
        pytest.param({"path": "/open-apis/x", "query": "{"}, "query: text is not valid JSON", id="query"),
        pytest.param({"path": "/open-apis/bot/v3/info", "result_path": "bot.app_name.x"}, "result_path", id="result"),
        pytest.param({"path": "/open-apis/bot/v3/info", "paginate": True, "max_items": "many"}, "max_items", id="cap"),
        pytest.param({"path": "/open-apis/nothing/v1/here"}, "code 99991201", id="unknown api"),
    ],
)
def test_wrong_parameter_fails_the_task_at_once(shop, parameters, words):
    with pytest.raises(AirflowFailException) as caught:
        call(**parameters)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "/open-apis/auth/v3/tenant_access_token/internal",
        " /open-apis/%61uth/v3/app_access_token/internal",
        "/open-apis/authen/v2/oauth/token",
        "/open-apis/authen/v1/oidc/refresh_access_token",
        "{host}/open-apis/auth/v3/tenant_access_token/internal",
    ],
)
def test_call_that_answers_with_a_token_is_refused_before_it_is_sent(shop, path):
    with pytest.raises(AirflowFailException, match="must not end up in an XCom"):
        call(path=path.format(host=shop.emulator.url), method="POST", json={"app_id": shop.emulator.app_id})
    assert shop.emulator.log == []


def test_failure_that_may_pass_is_left_to_the_retries_of_the_task(shop, monkeypatch):
    from airflow_provider_lark.hooks.lark import LarkHook

    open_client = LarkHook.client
    monkeypatch.setattr(LarkHook, "client", lambda hook, **options: open_client(hook, max_attempts=1, **options))
    shop.emulator.faults.add("bot/v3", code=99991400, status=429)
    with pytest.raises(AirflowException) as caught:
        call(path="/open-apis/bot/v3/info")
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("name", ["x" * (XCOM_BYTES_MAX + 1), "表" * (XCOM_BYTES_MAX // 5)], ids=["ascii", "chinese"])
def test_answer_that_is_too_large_for_an_xcom_is_refused(shop, name):
    shop.emulator.state.apps[shop.emulator.app_id].name = name
    with pytest.raises(AirflowFailException, match="more than the 1,048,576 an XCom should hold"):
        call(path="/open-apis/bot/v3/info")
    assert call(path="/open-apis/bot/v3/info", result_path="bot.activate_status") == 2


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1), ("a.c.1", "y"), ("a.c.9", None), ("missing", None), ("missing.more", None), ("a.none.x", None)],
)
def test_take_follows_objects_and_lists(path, found):
    assert take({"a": {"b": 1, "c": ["x", "y"], "none": None}}, path) == found


def test_addresses_from_which_anybody_can_download_never_become_an_xcom(shop):
    with pytest.raises(
        AirflowFailException, match="download links that work without one, which must not end up in an XCom"
    ):
        call(path="/open-apis/drive/v1/medias/batch_get_tmp_download_url", query={"file_tokens": "box1"})


def test_answer_with_an_open_address_in_it_is_refused_by_its_name_only(shop, monkeypatch):
    from airflow_provider_lark.core import LarkClient

    answer = {"code": 0, "data": {"items": [{"title": "weekly", "download_url": "https://x.example/secret-address"}]}}
    monkeypatch.setattr(LarkClient, "call", lambda *_, **__: answer)
    with pytest.raises(AirflowFailException, match="download_url in the response lets anyone download") as caught:
        call(path="/open-apis/minutes/v1/minutes/obcn1/media")
    assert "secret-address" not in str(caught.value)
    assert call(path="/open-apis/minutes/v1/minutes/obcn1/media", result_path="data.items.0.title") == "weekly"
