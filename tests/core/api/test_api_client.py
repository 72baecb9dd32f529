"""The clients over real HTTP, against a server that says what the test scripts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.retry import few_attempts
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ClientTokenConflict,
    ConfigError,
    LarkError,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RecordNotFound,
    ServerBusy,
    ServerFailed,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
    ValueRefused,
)

AT: dict[str, Any] = {"app_token": "basA", "table_id": "tblA"}


def test_search_page_first_call_asks_for_a_token_and_sends_it(client: LarkClient, server: Any) -> None:
    server.say({"items": [{"record_id": "recA", "fields": {"名": "值"}}], "has_more": False, "total": 1})
    page = client.bitable.search_page(**AT, field_names=["名"])
    assert [record["record_id"] for record in page.items] == ["recA"]
    assert page.total == 1
    assert server.heard[0].json == {"app_id": "cli_test", "app_secret": "canary-secret"}
    assert server.calls[0].headers["authorization"] == "Bearer t-canary-token-1"
    assert server.calls[0].path == "/open-apis/bitable/v1/apps/basA/tables/tblA/records/search?page_size=500"
    assert server.calls[0].json == {"field_names": ["名"]}


def test_search_page_without_options_sends_an_empty_object(client: LarkClient, server: Any) -> None:
    server.say()
    assert client.bitable.search_page(**AT).items == []
    assert server.calls[0].body == b"{}"


def test_calls_reuse_one_connection_and_one_token(client: LarkClient, server: Any) -> None:
    server.say(times=5)
    for _ in range(5):
        client.bitable.list_fields(**AT)
    assert server.connections == 1
    assert client.calls.by_kind == {"token": 1, "fields": 5}
    assert client.calls.total == 6


def test_calls_since_snapshot_counts_only_later_ones(client: LarkClient, server: Any) -> None:
    server.say(times=3)
    client.bitable.list_fields(**AT)
    before = client.calls.snapshot()
    client.bitable.search_page(**AT)
    client.bitable.list_fields(**AT)
    assert client.calls.since(before) == {"search": 1, "fields": 1}


def test_ids_with_slashes_stay_inside_the_path(client: LarkClient, server: Any) -> None:
    server.say()
    client.bitable.list_fields(app_token="../a?b", table_id="t/x")
    assert server.calls[0].path == "/open-apis/bitable/v1/apps/..%2Fa%3Fb/tables/t%2Fx/fields?page_size=100"


def test_empty_id_is_refused_before_sending(client: LarkClient, server: Any) -> None:
    with pytest.raises(ConfigError, match="app_token is empty"):
        client.bitable.list_fields(app_token="", table_id="tblA")
    assert server.heard == []


def test_search_pages_walks_to_the_end_and_reads_lazily(client: LarkClient, server: Any) -> None:
    server.say({"items": [{"record_id": "r1", "fields": {}}], "has_more": True, "page_token": "p1", "total": 2})
    server.say({"items": [{"record_id": "r2", "fields": {}}], "has_more": False, "page_token": "p2", "total": 2})
    pages = client.bitable.search_pages(**AT)
    assert server.heard == []
    assert next(pages).items[0]["record_id"] == "r1"
    assert len(server.calls) == 1
    assert [page.items[0]["record_id"] for page in pages] == ["r2"]
    assert "page_token=p1" in server.calls[1].path


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({"has_more": True, "page_token": "p1"}, id="same token again"),
        pytest.param({"has_more": True}, id="no token"),
        pytest.param({"has_more": True, "page_token": ""}, id="empty token"),
    ],
)
def test_search_pages_stuck_paging_raises_instead_of_ending(client: LarkClient, server: Any, second: Any) -> None:
    server.say({"items": [], "has_more": True, "page_token": "p1"})
    server.say({"items": [], **second})
    with pytest.raises(UnexpectedAnswer, match="incomplete"):
        list(client.bitable.search_pages(**AT))
    assert len(server.calls) == 2


def test_search_pages_too_large_page_is_halved_from_there_on(client: LarkClient, server: Any) -> None:
    server.say({"items": [], "has_more": True, "page_token": "p1"})
    server.refuse(1254030, msg="TooLargeResponse", times=2)
    server.say({"items": [], "has_more": True, "page_token": "p2"})
    server.say({"items": [], "has_more": False})
    assert len(list(client.bitable.search_pages(**AT))) == 3
    sizes = [heard.path.partition("page_size=")[2].partition("&")[0] for heard in server.calls]
    assert sizes == ["500", "500", "250", "125", "125"]


def test_search_pages_too_large_at_one_record_raises(client: LarkClient, server: Any) -> None:
    server.refuse(1254030, times=20)
    with pytest.raises(TooLarge):
        list(client.bitable.search_pages(**AT, page_size=2))
    assert len(server.calls) == 2


@pytest.mark.parametrize("size", [0, 501])
def test_search_page_size_out_of_range_is_refused(client: LarkClient, server: Any, size: int) -> None:
    with pytest.raises(BadRequest, match="page_size"):
        client.bitable.search_page(**AT, page_size=size)
    assert server.heard == []


def test_list_fields_collects_all_pages(client: LarkClient, server: Any) -> None:
    server.say({"items": [{"field_id": "f1", "field_name": "A", "type": 1}], "has_more": True, "page_token": "p"})
    # a page_token on the last page is Lark's habit; has_more decides
    server.say({"items": [{"field_id": "f2", "field_name": "B", "type": 1}], "has_more": False, "page_token": "q"})
    assert [field["field_id"] for field in client.bitable.list_fields(**AT)] == ["f1", "f2"]


def test_batch_get_many_ids_go_in_hundreds_without_repeats(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"record_id": "r0", "fields": {}}], "absent_record_ids": ["r1"]})
    server.say({"records": None, "forbidden_record_ids": ["r100"], "absent_record_ids": []})
    found = client.bitable.batch_get(**AT, record_ids=[f"r{n % 101}" for n in range(202)])
    assert [len(heard.json["record_ids"]) for heard in server.calls] == [100, 1]
    assert [record["record_id"] for record in found.records] == ["r0"]
    assert (found.absent_record_ids, found.forbidden_record_ids) == (["r1"], ["r100"])


def test_batch_get_too_large_splits_and_keeps_the_order(client: LarkClient, server: Any) -> None:
    server.refuse(1254030)
    server.say({"absent_record_ids": []}, times=2)
    client.bitable.batch_get(**AT, record_ids=["a", "b", "c"])
    assert [heard.json["record_ids"] for heard in server.calls] == [["a", "b", "c"], ["a"], ["b", "c"]]


def test_batch_get_of_nothing_calls_nobody(client: LarkClient, server: Any) -> None:
    assert client.bitable.batch_get(**AT, record_ids=[]).records == []
    assert server.heard == []


def test_batch_create_sends_its_token_and_keeps_the_order(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"record_id": "r1", "fields": {}}, {"record_id": "r2", "fields": {}}]})
    created = client.bitable.batch_create(**AT, records=[{"A": 1}, {"A": None}], client_token="tok")
    assert [record["record_id"] for record in created] == ["r1", "r2"]
    assert server.calls[0].path.endswith("/records/batch_create?client_token=tok")
    assert server.calls[0].json == {"records": [{"fields": {"A": 1}}, {"fields": {"A": None}}]}


def test_batch_create_answer_of_another_length_is_refused(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"record_id": "r1", "fields": {}}]})
    with pytest.raises(UnexpectedAnswer, match="2 records sent but 1 returned"):
        client.bitable.batch_create(**AT, records=[{}, {}], client_token="tok")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("batch_create", {"records": [{}] * 1001, "client_token": "t"}, id="create"),
        pytest.param("batch_update", {"records": [("r", {})] * 1001}, id="update"),
        pytest.param("batch_delete", {"record_ids": ["r"] * 501}, id="delete"),
    ],
)
def test_batch_above_the_limit_is_refused_before_sending(
    client: LarkClient, server: Any, name: str, arguments: Any
) -> None:
    with pytest.raises(TooLarge, match="at most"):
        getattr(client.bitable, name)(**AT, **arguments)
    assert server.heard == []


def test_batch_delete_sends_the_ids(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"deleted": True, "record_id": "r1"}]})
    client.bitable.batch_delete(**AT, record_ids=["r1"])
    assert server.calls[0].json == {"records": ["r1"]}


def test_create_record_without_token_makes_one_and_keeps_it_in_retries(
    make_client: Callable[..., LarkClient], server: Any
) -> None:
    tokens = iter(["first", "second"])
    client = make_client(new_token=lambda: next(tokens))
    server.do("cut")
    server.say({"record": {"record_id": "r1", "fields": {}}})
    assert client.bitable.create_record(**AT, fields={})["record_id"] == "r1"
    assert [heard.path.partition("client_token=")[2] for heard in server.calls] == ["first", "first"]


def test_values_that_json_cannot_say_are_refused_without_quoting_them(client: LarkClient, server: Any) -> None:
    for value in (float("nan"), object(), "\ud800"):
        with pytest.raises(BadRequest, match="cannot be encoded as JSON") as caught:
            client.bitable.update_record(**AT, record_id="rec1", fields={"A": value})
        assert caught.value.__cause__ is None
    assert server.calls == []


# refusals: the code decides, not the status


@pytest.mark.parametrize(
    ("code", "status", "error", "words"),
    [
        pytest.param(91402, 200, NotFound, "wiki", id="wiki token as app_token"),
        pytest.param(91403, 200, AccessDenied, "Add document app", id="app not in the document"),
        pytest.param(1254302, 403, AccessDenied, "advanced permissions", id="advanced permissions"),
        pytest.param(1254041, 200, NotFound, r"\?table=", id="unknown table"),
        pytest.param(1254060, 200, ValueRefused, "Text", id="value"),
        pytest.param(1254060, 500, ValueRefused, "Text", id="value with a server status"),
        pytest.param(
            1255006, 400, ClientTokenConflict, "check whether the records exist", id="token of another request"
        ),
        pytest.param(99991403, 400, LarkError, "monthly", id="quota"),
        pytest.param(4711, 404, NotFound, "check the ids", id="unknown code with 404"),
        pytest.param(4711, 200, BadRequest, "look the code up", id="unknown code"),
    ],
)
def test_refusal_becomes_the_error_of_its_code(
    client: LarkClient, server: Any, code: int, status: int, error: type[LarkError], words: str
) -> None:
    server.refuse(code, status=status, msg="SomeName: and a quoted cell", error={"log_id": "LOG1"})
    with pytest.raises(error, match=words) as caught:
        client.bitable.batch_update(**AT, records=[("rec1", {})])
    assert (caught.value.code, caught.value.log_id) == (code, "LOG1")
    assert caught.value.endpoint == "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_update"
    assert "table tblA of base basA" in str(caught.value)
    assert "SomeName" in str(caught.value)
    assert "quoted" not in str(caught.value)
    assert len(server.calls) == 1


def test_refusal_for_a_scope_lists_the_scopes(client: LarkClient, server: Any) -> None:
    violations = [{"type": "action_scope_required", "subject": "bitable:app"}, {"scope": "base:record:read"}]
    server.refuse(99991672, status=400, error={"permission_violations": violations})
    with pytest.raises(AccessDenied, match="bitable:app, base:record:read") as caught:
        client.bitable.get_app(app_token="basA")
    assert caught.value.scopes == ("bitable:app", "base:record:read")


def test_refusal_names_the_refused_parts_but_not_their_values(client: LarkClient, server: Any) -> None:
    parts = [{"field": "records[0].fields", "value": "cell-canary", "description": "cell-canary is long"}]
    server.refuse(99992402, status=400, error={"field_violations": parts, "message": "cell-canary"})
    with pytest.raises(BadRequest, match=r"records\[0\]\.fields") as caught:
        client.bitable.batch_update(**AT, records=[("rec1", {"A": "cell-canary"})])
    assert "cell-canary" not in str(caught.value)


def test_log_id_comes_from_the_header_where_the_body_has_none(client: LarkClient, server: Any) -> None:
    server.refuse(1254041, headers={"X-Tt-Logid": "HEADERLOG"})
    with pytest.raises(NotFound) as caught:
        client.bitable.list_fields(**AT)
    assert caught.value.log_id == "HEADERLOG"


# answers that are does not come from Lark


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param({"body": b"<html>login</html>", "headers": {"Content-Type": "text/html"}}, "text/html", id="html"),
        pytest.param({"body": b"moved", "status": 302, "headers": {"Location": "/x"}}, "HTTP 302", id="redirect"),
        pytest.param({"body": {"ok": True}}, "does not come from Lark", id="json without a code"),
        pytest.param({"body": [1]}, "does not come from Lark", id="a list"),
        pytest.param({"body": {"code": "0"}}, "does not come from Lark", id="a code that is text"),
        pytest.param({"body": {"code": True}}, "does not come from Lark", id="a code that is a boolean"),
    ],
)
def test_foreign_answer_raises_at_once_naming_the_host(
    client: LarkClient, server: Any, answer: Any, error: str
) -> None:
    server.do(**answer)
    with pytest.raises(UnexpectedAnswer, match=error):
        client.bitable.search_page(**AT)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": b'{"code":0,"data":{"items":['}, id="json that breaks off"),
        pytest.param({"body": b""}, id="nothing"),
        pytest.param({"body": b"<h1>Bad Gateway</h1>", "status": 502}, id="502 page"),
        pytest.param({"body": b'{"code":0', "action": "cut_body"}, id="less than announced"),
        pytest.param({"action": "cut"}, id="connection reset"),
    ],
)
def test_broken_answer_to_a_read_is_read_again(client: LarkClient, server: Any, answer: Any) -> None:
    server.do(**answer)
    server.say({"items": [], "total": 0})
    assert client.bitable.search_page(**AT).total == 0
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": b'{"code":0,"data":{"rec'}, id="json that breaks off"),
        pytest.param({"body": b"<h1>Gateway Time-out</h1>", "status": 504}, id="504 page"),
        pytest.param({"body": {"code": 1255040, "msg": "timeout"}, "status": 504}, id="1255040"),
        pytest.param({"body": {"code": 1254200, "msg": "InternalError"}}, id="internal error"),
        pytest.param({"action": "cut"}, id="connection reset"),
    ],
)
def test_create_table_without_an_answer_is_not_repeated(client: LarkClient, server: Any, answer: Any) -> None:
    server.do(**answer)
    with pytest.raises(OutcomeUnknown):
        client.bitable.create_table(app_token="basA", name="T", fields=[])
    assert len(server.calls) == 1


# retries


def test_busy_table_is_retried_with_backoff_that_ends_before_the_last_wait(
    client: LarkClient, server: Any, clock: Any
) -> None:
    server.refuse(1254290, msg="TooManyRequest", times=6)
    with pytest.raises(ServerBusy, match="too many requests") as caught:
        client.bitable.batch_update(**AT, records=[("rec1", {})])
    assert len(server.calls) == 6
    assert clock.waits == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert "gave up after attempt 6" in caught.value.__notes__[0]
    assert client.calls.by_kind["update"] == 6


def test_write_conflict_is_outwaited_for_it_was_never_applied(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(1254291, msg="Write conflict", times=25)
    server.say({"records": [{"record_id": "rec1"}]})
    client.bitable.batch_update(**AT, records=[("rec1", {})])
    assert len(server.calls) == 26
    assert max(clock.waits) == 2.0  # half of the ceiling, where chance adds nothing


def test_write_conflict_that_does_not_end_is_given_up(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(1254291, msg="Write conflict", times=99)
    with pytest.raises(ServerBusy, match="another write"):
        client.bitable.batch_update(**AT, records=[("rec1", {})])
    assert len(server.calls) == 30
    assert sum(clock.waits) <= 180


def test_part_of_a_batch_that_failed_is_sent_less_often(client: LarkClient, server: Any) -> None:
    server.refuse(1255001, status=500, times=9)
    with few_attempts(), pytest.raises(ServerFailed):
        client.bitable.batch_update(**AT, records=[("rec1", {})])
    assert len(server.calls) == 2


def test_breakdown_after_an_unanswered_attempt_does_not_hide_it(
    make_client: Callable[..., LarkClient], server: Any
) -> None:
    server.do("cut")
    server.refuse(1255001, status=500)
    with pytest.raises(OutcomeUnknown, match="an earlier attempt got no response") as caught:
        make_client(max_attempts=2).bitable.batch_create(**AT, records=[{}], client_token="tok")
    assert not isinstance(caught.value, ServerFailed)


def test_rate_limit_waits_what_the_header_says(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(99991400, status=429, headers={"x-ogw-ratelimit-reset": "7"})
    server.refuse(99991400, status=400, headers={"X-Ogw-Ratelimit-Reset": "3"})
    server.say()
    client.bitable.search_page(**AT)
    assert clock.waits == [7.0, 3.0]


def test_rate_limit_beyond_the_patience_gives_up_and_says_when(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(99991400, status=429, headers={"x-ogw-ratelimit-reset": "3600"})
    with pytest.raises(RateLimited) as caught:
        client.bitable.search_page(**AT)
    assert caught.value.retry_after_seconds == 3600
    assert clock.waits == []
    # the next call knows it already
    with pytest.raises(RateLimited):
        client.bitable.search_page(**AT)
    assert len(server.calls) == 1


def test_plain_429_without_json_is_a_rate_limit(client: LarkClient, server: Any, clock: Any) -> None:
    server.do(body=b"slow down", status=429, headers={"Retry-After": "2"})
    server.say()
    client.bitable.search_page(**AT)
    assert clock.waits == [2.0]


def test_equal_request_still_running_is_repeated_with_the_same_token(client: LarkClient, server: Any) -> None:
    server.refuse(1254608, status=403)
    server.say({"records": [{"record_id": "r1", "fields": {}}]})
    client.bitable.batch_create(**AT, records=[{}], client_token="tok")
    assert [heard.path.partition("?")[2] for heard in server.calls] == ["client_token=tok"] * 2
    assert server.calls[0].body == server.calls[1].body


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        pytest.param(1254290, ServerBusy, id="busy"),
        # the field may have been renamed between the attempts
        pytest.param(1254045, NotFound, id="refused"),
        pytest.param(91403, AccessDenied, id="right taken away"),
    ],
)
def test_create_refused_after_an_unanswered_attempt_leaves_the_outcome_unknown(
    make_client: Callable[..., LarkClient], server: Any, code: int, cause: type[LarkError]
) -> None:
    client = make_client(max_attempts=2)
    server.do("cut")
    server.refuse(code)
    with pytest.raises(OutcomeUnknown, match="may have been carried out") as caught:
        client.bitable.batch_create(**AT, records=[{}], client_token="tok")
    assert isinstance(caught.value.__cause__, cause)


def test_update_refused_after_an_unanswered_attempt_is_refused(client: LarkClient, server: Any) -> None:
    server.do("cut")
    server.refuse(1254043)
    with pytest.raises(RecordNotFound):
        client.bitable.batch_update(**AT, records=[("rec1", {})])


def test_create_unreachable_after_an_unanswered_attempt_leaves_the_outcome_unknown(
    make_client: Callable[..., LarkClient], server: Any
) -> None:
    client = make_client(max_attempts=2)
    server.say()
    client.bitable.search_page(**AT)
    server.do("cut_and_close")
    with pytest.raises(OutcomeUnknown, match="may have been carried out") as caught:
        client.bitable.batch_create(**AT, records=[{}], client_token="tok")
    assert isinstance(caught.value.__cause__, Unreachable)


def test_unreachable_host_is_retried_counts_no_call_and_keeps_its_cause(
    make_client: Callable[..., LarkClient], clock: Any
) -> None:
    client = make_client(host="http://127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"cannot connect to http://127\.0\.0\.1:1") as caught:
        client.bot.info()
    assert caught.value.__cause__ is not None
    assert len(clock.waits) == 5
    assert client.calls.total == 0


# tokens


@pytest.mark.parametrize("code", [99991661, 99991663, 99991664, 99991668, 99991671])
def test_stale_token_is_dropped_and_asked_for_once_more(client: LarkClient, server: Any, code: int) -> None:
    server.refuse(code, status=400)
    server.say()
    client.bitable.search_page(**AT)
    assert [heard.headers["authorization"][-1] for heard in server.calls] == ["1", "2"]
    assert client.calls.by_kind == {"token": 2, "search": 2}


def test_token_refused_twice_is_not_asked_for_again(client: LarkClient, server: Any) -> None:
    server.refuse(99991663, status=400, times=5)
    with pytest.raises(NotAuthorized, match="credentials page"):
        client.bitable.search_page(**AT)
    assert client.calls.by_kind == {"token": 2, "search": 2}


@pytest.mark.parametrize("code", [10003, 10014, 10015, 99991543])
def test_wrong_credentials_name_the_app_and_what_to_check(client: LarkClient, server: Any, code: int) -> None:
    server.refuse_token(code, msg="app secret invalid")
    with pytest.raises(NotAuthorized, match="App ID cli_test at http") as caught:
        client.bot.info()
    assert "credentials page" in str(caught.value)
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


def test_token_is_renewed_before_its_end(client: LarkClient, server: Any, clock: Any) -> None:
    server.say(times=3)
    client.bitable.search_page(**AT)
    clock.seconds += 7200 - 181
    client.bitable.search_page(**AT)
    assert server.tokens_given == 1
    clock.seconds += 2
    client.bitable.search_page(**AT)
    assert server.tokens_given == 2


def test_threads_that_start_together_ask_for_one_token(client: LarkClient, server: Any) -> None:
    server.say(times=8)
    start = threading.Barrier(8)
    errors: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            client.bitable.search_page(**AT)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert client.calls.by_kind == {"token": 1, "search": 8}


# the async client shares all of it


def test_async_client_does_the_same_calls(make_async_client: Callable[..., AsyncLarkClient], server: Any) -> None:
    async def work() -> list[int]:
        async with make_async_client() as client:
            await asyncio.gather(*(client.bitable.search_page(**AT) for _ in range(5)))
            assert client.calls.by_kind == {"token": 1, "search": 5}
            return [len(page.items) async for page in client.bitable.search_pages(**AT)]

    server.say(times=5)
    server.refuse(1254607, status=400)
    server.say({"items": [{"record_id": "r1", "fields": {}}], "has_more": True, "page_token": "p"})
    server.say({"items": [], "has_more": False})
    assert asyncio.run(work()) == [1, 0]


def test_async_client_failure_is_raised_with_its_cause(make_async_client: Callable[..., AsyncLarkClient]) -> None:
    async def work() -> None:
        async with make_async_client(host="http://127.0.0.1:1") as client:
            await client.bot.info()

    with pytest.raises(Unreachable) as caught:
        asyncio.run(work())
    assert caught.value.__cause__ is not None


def test_server_offset_is_read_from_the_date_header(client: LarkClient, server: Any, clock: Any) -> None:
    assert client.server_offset_ms is None
    clock.seconds = 1_700_000_000.0
    server.do(
        body={"code": 0, "data": {"has_more": False, "total": 0}}, headers={"Date": "Tue, 14 Nov 2023 22:13:30 GMT"}
    )
    client.bitable.search_page(**AT)
    # 22:13:30 is 10 s after the clock; the header names a begun second, so half a second is added
    assert client.server_offset_ms == 10_500


def test_create_that_is_answered_with_one_id_twice_is_not_believed(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"record_id": "recA", "fields": {}}, {"record_id": "recA", "fields": {}}]})
    with pytest.raises(UnexpectedAnswer, match="2 records sent but 1 returned"):
        client.bitable.batch_create(**AT, records=[{}, {}], client_token="4f6f0f4e-7b0c-4f1c-8a2b-0d4f3b1c2a11")
