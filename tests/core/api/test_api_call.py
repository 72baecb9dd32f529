"""Any API by its path: client.call and client.call_pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.errors import BadRequest, NotFound, OutcomeUnknown, UnexpectedAnswer

PATH = "/open-apis/contact/v3/departments"


def test_call_returns_the_whole_answer_and_counts_its_kind(client: LarkClient, server: Any) -> None:
    server.say({"user": {}}, extra="beside the code")
    body = client.call("get", "/open-apis/contact/v3/users/ou_1", kind="search")
    assert (body["code"], body["data"], body["extra"]) == (0, {"user": {}}, "beside the code")
    assert server.calls[0].headers["authorization"].startswith("Bearer t-")
    assert client.calls.by_kind == {"token": 1, "search": 1}


def test_call_query_values_are_written_as_lark_reads_them(client: LarkClient, server: Any) -> None:
    server.say()
    query = {"text": "a b&c", "number": 5, "yes": True, "no": False, "many": ["x", 1], "none": None}
    client.call("GET", PATH, query=query)
    assert server.calls[0].path == f"{PATH}?text=a+b%26c&number=5&yes=true&no=false&many=x&many=1"


def test_call_query_in_the_path_is_kept_beside_the_other(client: LarkClient, server: Any) -> None:
    server.say()
    client.call("GET", f"{PATH}?a=1&a=2&b=old", query={"b": "new"})
    assert server.calls[0].path == f"{PATH}?a=1&a=2&b=new"


def test_call_address_of_the_same_host_is_taken(client: LarkClient, server: Any) -> None:
    server.say()
    client.call("POST", f"{server.url}{PATH}", json={"name": "A"})
    assert (server.calls[0].method, server.calls[0].path, server.calls[0].json) == ("POST", PATH, {"name": "A"})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("https://evil.example/open-apis/x", "not on http", id="another host"),
        pytest.param("//evil.example/open-apis/x", "is not a Lark API path", id="host without scheme"),
        pytest.param("/bitable/v1/apps", "path starting with /open-apis/", id="not from the root"),
        pytest.param("open-apis/bitable/v1/apps", "path starting with /open-apis/", id="no slash"),
        pytest.param("", "path starting with /open-apis/", id="empty"),
        pytest.param("/open-apis/../secret", "is not a Lark API path", id="dots"),
        pytest.param("/open-apis/%2e%2e/secret", "is not a Lark API path", id="quoted dots"),
        pytest.param("//[x/open-apis/y", "is not a Lark API path", id="no address"),
        pytest.param("/open-apis/x#y", "is not a Lark API path", id="fragment"),
        pytest.param("/open-apis/\ud800", "invalid characters", id="half a surrogate pair"),
        pytest.param("/open-apis/a\0b", "NUL", id="nul"),
    ],
)
def test_call_path_that_is_none_of_larks_is_refused_with_what_to_write(
    client: LarkClient, server: Any, path: str, words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        client.call("GET", path)
    assert server.heard == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param({"a": 1.5}, "got float", id="fraction"),
        pytest.param({"a": {"b": 1}}, "got dict", id="dict"),
        pytest.param({"a": ["x", None]}, "got NoneType", id="none in a list"),
        pytest.param({"a": "\udc00"}, "invalid characters", id="half a surrogate pair"),
    ],
)
def test_call_query_value_that_cannot_be_sent_is_refused(client: LarkClient, query: Any, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        client.call("GET", PATH, query=query)


def test_call_method_that_does_not_exist_is_refused(client: LarkClient) -> None:
    with pytest.raises(BadRequest, match="GET, POST, PUT, PATCH, DELETE"):
        client.call("FETCH", PATH)


def test_call_unanswered_get_is_repeated(client: LarkClient, server: Any) -> None:
    server.do("cut")
    server.say({"ok": 1})
    assert client.call("GET", PATH)["data"] == {"ok": 1}
    assert len(server.calls) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_call_unanswered_write_is_not_repeated(client: LarkClient, server: Any, method: str) -> None:
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.call(method, PATH, json={"name": "A"})
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"query": {"client_token": "t"}}, id="client_token"),
        pytest.param({"json": {"uuid": "u"}}, id="uuid"),
    ],
)
def test_call_unanswered_write_that_lark_knows_again_is_repeated(
    client: LarkClient, server: Any, arguments: Any
) -> None:
    server.do("cut")
    server.say()
    client.call("POST", PATH, **arguments)
    assert len(server.calls) == 2
    # without it Lark would do it twice
    marked = arguments.get("query") or arguments["json"]
    for heard in server.calls:
        assert [f"{name}={value}" in heard.path or heard.json == marked for name, value in marked.items()] == [True]


def test_call_carries_a_token_to_a_path_that_a_namespace_has(client: LarkClient, server: Any) -> None:
    path = "/open-apis/bitable/v1/apps/basA/tables/tblA/records"
    server.say({"record": {"record_id": "rec1", "fields": {}}})
    client.call("POST", path, json={"fields": {}}, query={"client_token": "mine"})
    assert server.calls[0].path.endswith("/records?client_token=mine")


def test_call_of_an_api_that_a_namespace_has_is_paced_repeated_and_counted_as_there(
    client: LarkClient, server: Any, clock: Any
) -> None:
    path = "/open-apis/bitable/v1/apps/basA/tables/tblA/records/search"
    server.do("cut")
    server.say({"items": []}, times=41)
    for _ in range(41):
        client.call("POST", path, json={}, query={"page_size": 5})
    assert client.calls.by_kind == {"token": 1, "search": 42}
    # the first wait is the retry's, the others keep to 20 calls a second
    assert clock.waits == pytest.approx([0.5, 0.51, 0.5, 0.51, 0.5])
    server.refuse(1254041)
    with pytest.raises(NotFound, match="table tblA of base basA") as caught:
        client.call("POST", path, json={})
    assert caught.value.endpoint == "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/search"


def test_call_error_names_the_subject_and_an_endpoint_without_ids(client: LarkClient, server: Any) -> None:
    server.refuse(4711)
    with pytest.raises(BadRequest, match="chat Ops: Lark rejected") as caught:
        client.call("PATCH", "/open-apis/im/v1/chats/oc_5ad11d72b830/members/me_join", subject="chat Ops")
    assert caught.value.endpoint == "PATCH /open-apis/im/v1/chats/:id/members/me_join"


def test_call_pages_yields_data_page_by_page_and_lazily(client: LarkClient, server: Any) -> None:
    server.say({"items": [1], "has_more": True, "page_token": "p1"})
    server.say({"items": None, "has_more": False, "page_token": "p2"})
    pages = client.call_pages("GET", PATH, query={"page_size": 50})
    assert server.heard == []
    assert next(pages) == {"items": [1], "has_more": True, "page_token": "p1", "total": 1}
    assert [page["items"] for page in pages] == [[]]
    assert [heard.path for heard in server.calls] == [f"{PATH}?page_size=50", f"{PATH}?page_size=50&page_token=p1"]


def test_call_pages_of_a_post_sends_the_body_with_each(client: LarkClient, server: Any) -> None:
    server.say({"users": [1], "has_more": True, "page_token": "p1"})
    server.do("cut")
    server.say({"users": [2]})
    pages = list(client.call_pages("POST", PATH, json={"q": 1}, items="users"))
    assert [page["users"] for page in pages] == [[1], [2]]
    assert [heard.json for heard in server.calls] == [{"q": 1}] * 3


def test_call_pages_that_do_not_move_on_raise(client: LarkClient, server: Any) -> None:
    server.say({"items": [], "has_more": True, "page_token": "p"}, times=2)
    with pytest.raises(UnexpectedAnswer, match="incomplete"):
        list(client.call_pages("GET", PATH))


def test_call_pages_wrong_name_of_the_list_raises(client: LarkClient, server: Any) -> None:
    server.say({"items": {"a": 1}})
    with pytest.raises(UnexpectedAnswer, match="items in the response is not a list"):
        list(client.call_pages("GET", PATH))


def test_async_client_calls_and_pages_alike(make_async_client: Callable[..., AsyncLarkClient], server: Any) -> None:
    async def work() -> list[Any]:
        async with make_async_client() as client:
            body = await client.call("GET", PATH)
            return [body["data"], *[page["items"] async for page in client.call_pages("GET", PATH)]]

    server.say({"a": 1})
    server.say({"items": [1], "has_more": True, "page_token": "p"})
    server.say({"items": [2]})
    assert asyncio.run(work()) == [{"a": 1}, [1], [2]]
