"""Both clients against the emulator: every call of every namespace, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.wire.results import AppInfo, RecordPage
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ClientTokenConflict,
    FieldNotFound,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RecordNotFound,
    ServerBusy,
    TooLarge,
    UnexpectedAnswer,
    ValueRefused,
)
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

FIELDS = [{"field_name": "Name", "type": 1}, {"field_name": "Qty", "type": 2}]


@dataclass
class World:
    emu: Emulator
    app_token: str
    table_id: str

    @property
    def at(self) -> dict[str, Any]:
        return {"app_token": self.app_token, "table_id": self.table_id}

    def names(self) -> list[str]:
        records = self.emu.person.records(self.app_token, self.table_id)
        return sorted(record["fields"]["Name"][0]["text"] for record in records)


@pytest.fixture
def world() -> Iterator[World]:
    with Emulator() as emu:
        base = emu.state.create_base("Shop")
        table = emu.state.create_table(base.app_token, "areas", FIELDS)
        yield World(emu, base.app_token, table.table_id)


@pytest.fixture
def lark(world: World, make_client: Callable[..., LarkClient]) -> LarkClient:
    return make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=world.emu.url, rate_share=None)


@pytest.fixture
def hasty(world: World, make_client: Callable[..., LarkClient]) -> LarkClient:
    """A client that takes silence for an answer soon."""
    return make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=world.emu.url, rate_share=None, timeout_seconds=0.5)


def _token() -> str:
    return str(uuid.uuid4())


def test_bitable_whole_life_of_a_table(lark: LarkClient) -> None:
    app = lark.bitable.create_app(name="Shop", time_zone="Asia/Tokyo")
    assert app.app_token
    assert lark.bitable.get_app(app_token=app.app_token).time_zone == "Asia/Tokyo"
    table_id = lark.bitable.create_table(app_token=app.app_token, name="areas", fields=FIELDS)
    assert "areas" in [table.name for table in lark.bitable.list_tables(app_token=app.app_token)]
    at: dict[str, Any] = {"app_token": app.app_token, "table_id": table_id}
    made = lark.bitable.create_field(**at, field={"field_name": "Note", "type": 1})
    assert made["field_id"] in [field["field_id"] for field in lark.bitable.list_fields(**at)]
    rows = lark.bitable.batch_create(**at, records=[{"Name": "a"}, {"Name": "b"}], client_token=_token())
    first, second = (row["record_id"] for row in rows)
    lark.bitable.batch_update(**at, records=[(first, {"Qty": 1}), (second, {"Name": None})])
    third = lark.bitable.create_record(**at, fields={"Name": "c"})["record_id"]
    lark.bitable.update_record(**at, record_id=third, fields={"Qty": 3})
    found = lark.bitable.batch_get(**at, record_ids=[first, second, third, "recGone"])
    assert [(row["record_id"], row["fields"].get("Qty")) for row in found.records] == [
        (first, 1),
        (second, None),
        (third, 3),
    ]
    assert found.absent_record_ids == ["recGone"]
    assert "Name" not in found.records[1]["fields"]
    lark.bitable.delete_record(**at, record_id=third)
    lark.bitable.batch_delete(**at, record_ids=[first, second])
    assert lark.bitable.search_page(**at).total == 0


def test_search_filters_sorts_narrows_and_adds_automatic_members(lark: LarkClient, world: World) -> None:
    rows = [{"Name": f"n{number}", "Qty": number} for number in range(5)]
    lark.bitable.batch_create(**world.at, records=rows, client_token=_token())
    page = lark.bitable.search_page(
        **world.at,
        filter={"conjunction": "and", "conditions": [{"field_name": "Qty", "operator": "isGreater", "value": ["1"]}]},
        sort=[{"field_name": "Qty", "desc": True}],
        field_names=["Qty"],
        automatic_fields=True,
        page_size=2,
    )
    assert [row["fields"] for row in page.items] == [{"Qty": 4}, {"Qty": 3}]
    assert (page.total, page.has_more) == (3, True)
    assert page.items[0]["last_modified_time"] > 0


def test_search_pages_reads_every_record_once(lark: LarkClient, world: World) -> None:
    rows = [{"Name": str(number)} for number in range(1000)]
    lark.bitable.batch_create(**world.at, records=rows, client_token=_token())
    pages = list(lark.bitable.search_pages(**world.at, page_size=300))
    assert [len(page.items) for page in pages] == [300, 300, 300, 100]
    assert len({row["record_id"] for page in pages for row in page.items}) == 1000
    assert {page.total for page in pages} == {1000}
    assert lark.calls.by_kind == {"token": 1, "create": 1, "search": 4}


def test_search_pages_first_page_too_large_is_read_in_halves(lark: LarkClient, world: World) -> None:
    rows = [{"Name": "x" * 100} for _ in range(40)]
    lark.bitable.batch_create(**world.at, records=rows, client_token=_token())
    world.emu.switches.max_response_bytes = 3_000
    pages = list(lark.bitable.search_pages(**world.at, page_size=40))
    assert sum(len(page.items) for page in pages) == 40
    assert len(pages[0].items) < 40


@pytest.mark.parametrize("action", ["repeat_page_token", "empty_page_token"])
def test_search_pages_stuck_token_is_an_error(lark: LarkClient, world: World, action: str) -> None:
    lark.bitable.batch_create(**world.at, records=[{"Name": "a"}] * 6, client_token=_token())
    world.emu.faults.add("records/search", action=action, times=None)
    with pytest.raises(UnexpectedAnswer, match="incomplete"):
        list(lark.bitable.search_pages(**world.at, page_size=2))


def test_search_page_with_a_foreign_token_is_refused(lark: LarkClient, world: World) -> None:
    with pytest.raises(TooLarge, match="page_token is invalid"):
        lark.bitable.search_page(**world.at, page_token="never-issued")


# writes with an unknown outcome


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"action": "drop_after"}, id="connection cut after writing"),
        pytest.param({"action": "drop_before"}, id="connection cut before writing"),
        pytest.param({"action": "timeout_after"}, id="no answer after writing"),
        pytest.param({"action": "timeout_before"}, id="no answer before writing"),
        pytest.param({"action": "error_after", "code": 1255040, "status": 504}, id="1255040 after writing"),
        pytest.param({"action": "error_after", "code": 1255001, "status": 500}, id="1255001 after writing"),
        pytest.param({"status": 502}, id="502 of a gateway"),
        pytest.param({"action": "bad_json"}, id="answer that is no JSON"),
        pytest.param({"code": 1254291}, id="write conflict"),
        pytest.param({"code": 1254607, "status": 400}, id="data not ready"),
        pytest.param({"code": 1254290, "status": 429}, id="throttled"),
        pytest.param({"code": 2200}, id="internal error"),
        pytest.param({"action": "expire_tokens"}, id="token expired"),
    ],
)
def test_batch_create_trouble_on_the_way_creates_each_record_once(
    hasty: LarkClient, world: World, fault: dict[str, Any]
) -> None:
    hasty.bot.info()
    world.emu.faults.add("batch_create", **fault)
    rows = hasty.bitable.batch_create(**world.at, records=[{"Name": "a"}, {"Name": "b"}], client_token=_token())
    assert len(rows) == 2
    assert world.names() == ["a", "b"]


@pytest.mark.parametrize("action", ["drop_after", "timeout_after", "bad_json"])
def test_batch_update_without_an_answer_is_repeated(hasty: LarkClient, world: World, action: str) -> None:
    rows = hasty.bitable.batch_create(**world.at, records=[{"Name": "a"}, {"Name": "b"}], client_token=_token())
    world.emu.faults.add("batch_update", action=action)
    hasty.bitable.batch_update(**world.at, records=[(rows[0]["record_id"], {"Name": "z"})])
    assert world.names() == ["b", "z"]


def test_delete_repeated_after_it_was_carried_out_says_the_record_is_gone(lark: LarkClient, world: World) -> None:
    [row] = lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=_token())
    world.emu.faults.add("batch_delete", action="drop_after")
    with pytest.raises(RecordNotFound):
        lark.bitable.batch_delete(**world.at, record_ids=[row["record_id"]])
    assert world.names() == []


def test_client_token_used_for_other_records_is_a_conflict(lark: LarkClient, world: World) -> None:
    token = _token()
    lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=token)
    with pytest.raises(ClientTokenConflict):
        lark.bitable.batch_create(**world.at, records=[{"Name": "b"}], client_token=token)
    assert world.names() == ["a"]


def test_client_token_that_is_no_uuid_is_a_bad_request(lark: LarkClient, world: World) -> None:
    with pytest.raises(BadRequest, match="UUID"):
        lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token="mine")


def test_batch_create_cut_every_time_leaves_the_outcome_unknown(lark: LarkClient, world: World) -> None:
    world.emu.faults.add("batch_create", action="drop_before", times=None)
    with pytest.raises(OutcomeUnknown):
        lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=_token())
    assert lark.calls.by_kind["create"] == 6


def test_create_table_cut_after_writing_makes_one_table(lark: LarkClient, world: World) -> None:
    world.emu.faults.add(r"POST .*/tables$", action="drop_after")
    with pytest.raises(OutcomeUnknown):
        lark.bitable.create_table(app_token=world.app_token, name="once", fields=FIELDS)
    assert [table.name for table in lark.bitable.list_tables(app_token=world.app_token)].count("once") == 1


def test_read_timeout_after_sending_leaves_the_outcome_unknown(
    lark: LarkClient, make_client: Callable[..., LarkClient], world: World
) -> None:
    client = make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=world.emu.url, timeout_seconds=0.5, max_attempts=1)
    lark.bot.info()  # a token for all of the process, by a client that has the time
    world.emu.faults.add("batch_create", action="timeout_after")
    with pytest.raises(OutcomeUnknown, match="ReadTimeout") as caught:
        client.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=_token())
    assert caught.value.__cause__ is not None


# what a person has to change


def test_wrong_secret_names_the_app_and_the_host(make_client: Callable[..., LarkClient], world: World) -> None:
    client = make_client(DEFAULT_APP_ID, "canary-wrong", host=world.emu.url)
    with pytest.raises(NotAuthorized, match=f"App ID {DEFAULT_APP_ID} at http") as caught:
        client.bot.info()
    assert "canary-wrong" not in str(caught.value)
    assert client.calls.by_kind == {"token": 1}


def test_unknown_base_hints_at_wiki_tokens(lark: LarkClient) -> None:
    with pytest.raises(NotFound, match="wiki"):
        lark.bitable.list_tables(app_token="wikcnSomething")


def test_unknown_table_field_record_and_value_have_errors_of_their_own(lark: LarkClient, world: World) -> None:
    with pytest.raises(NotFound):
        lark.bitable.list_fields(app_token=world.app_token, table_id="tblNone000000000")
    with pytest.raises(FieldNotFound, match="renamed"):
        lark.bitable.create_record(**world.at, fields={"Nope": "x"})
    with pytest.raises(RecordNotFound):
        lark.bitable.update_record(**world.at, record_id="recNone0000000", fields={"Name": "x"})
    with pytest.raises(ValueRefused) as caught:
        lark.bitable.create_record(**world.at, fields={"Qty": "canary-cell"})
    assert "canary-cell" not in str(caught.value)


def test_missing_scope_lists_the_scopes(make_client: Callable[..., LarkClient], world: World) -> None:
    world.emu.state.add_app("cli_narrow", "narrow-secret", scopes=["contact:user.id:readonly"])
    client = make_client("cli_narrow", "narrow-secret", host=world.emu.url)
    with pytest.raises(AccessDenied) as caught:
        client.bitable.list_tables(app_token=world.app_token)
    assert any(scope.startswith(("bitable:", "base:")) for scope in caught.value.scopes)


# pace


def test_rate_limits_of_the_platform_are_never_hit(make_client: Callable[..., LarkClient], world: World) -> None:
    world.emu.switches.rate_limits = True
    client = make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=world.emu.url, max_attempts=1)
    # the emulator's time does not pass here, so the client may send what one second allows and no more
    for _ in range(4):
        client.bitable.search_page(**world.at)
    assert {entry.code for entry in world.emu.log} == {0}


def test_rate_limit_of_the_platform_is_obeyed(lark: LarkClient, world: World, clock: Any) -> None:
    world.emu.faults.add("records/search", code=99991400, status=429, reset_seconds=9)
    assert lark.bitable.search_page(**world.at).total == 0
    assert clock.waits == [9.0]


def test_write_while_another_holds_the_table_waits_for_it(lark: LarkClient, world: World, clock: Any) -> None:
    with world.emu.hold_table(world.app_token, world.table_id), pytest.raises(ServerBusy):
        lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=_token())
    lark.bitable.batch_create(**world.at, records=[{"Name": "a"}], client_token=_token())
    assert world.names() == ["a"]


# tokens under load


def test_many_threads_with_expiring_tokens_all_succeed(lark: LarkClient, world: World) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                lark.bitable.search_page(**world.at)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    # one expiry a round: a call renews once, so two in a row that strike the same call are rightly an error
    for _ in range(3):
        world.emu.faults.add("records/search", action="expire_tokens", times=1, skip=5)
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert lark.calls.by_kind["token"] <= 1 + 3 * 2


def test_clients_of_one_process_share_the_token(world: World) -> None:
    clients = [LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, world.emu.url) for _ in range(2)]
    for client in clients:
        client.bitable.search_page(**world.at)
        client.close()
    assert [client.calls.by_kind for client in clients] == [{"token": 1, "search": 1}, {"search": 1}]


# the other namespaces


def test_bot_info_names_the_bot(lark: LarkClient) -> None:
    info = lark.bot.info()
    assert info.open_id
    assert info.activate_status == 2


def test_contact_ids_of_many_people_come_by_what_was_asked(lark: LarkClient) -> None:
    emails = [f"nobody{number}@example.com" for number in range(120)]
    found = lark.contact.batch_get_id(emails=emails, mobiles=["13800000000"])
    assert list(found) == [*emails, "13800000000"]
    assert set(found.values()) == {None}
    assert lark.calls.by_kind["other"] == 3


def test_contact_number_in_another_spelling_is_the_person_asked_for(client: LarkClient, server: Any) -> None:
    server.say({"user_list": [{"mobile": "+8613900000000", "user_id": "ou_1"}, {"mobile": "+442012345678"}]})
    asked = ["13900000000", "+86 139-0000-0000", "+44 20 1234 5678", "+33 139"]
    found = client.contact.batch_get_id(mobiles=asked)
    assert found == {asked[0]: "ou_1", asked[1]: "ou_1", asked[2]: None, asked[3]: None}


def test_batch_that_changes_too_much_is_too_large_and_sent_once(lark: LarkClient, world: World) -> None:
    world.emu.switches.max_changeset_bytes = 100
    rows = [{"Name": "n" * 20} for _ in range(9)]
    with pytest.raises(TooLarge, match="too many changes"):
        lark.bitable.batch_create(**world.at, records=rows, client_token=_token())
    assert lark.calls.by_kind["create"] == 1


def test_records_that_lark_keeps_are_not_called_deleted(client: LarkClient, server: Any) -> None:
    server.say({"records": [{"deleted": True, "record_id": "rec1"}, {"deleted": False, "record_id": "rec2"}]})
    with pytest.raises(UnexpectedAnswer, match="1 of 2 records"):
        client.bitable.batch_delete(app_token="bas1", table_id="tbl1", record_ids=["rec1", "rec2"])


def test_contact_known_person_has_an_id(lark: LarkClient, world: World) -> None:
    world.emu.state.add_user("Ann", "ann@example.com", "13900000000")
    found = lark.contact.batch_get_id(emails=["ann@example.com"], mobiles=["13900000000"], user_id_type="open_id")
    assert found["ann@example.com"] == found["13900000000"]
    assert str(found["ann@example.com"]).startswith("ou_")


def test_wiki_node_of_a_base_gives_its_app_token(lark: LarkClient, world: World) -> None:
    node = lark.wiki.get_node(token=world.emu.state.add_wiki_node(world.app_token, title="Shop"))
    assert (node.obj_type, node.obj_token, node.title) == ("bitable", world.app_token, "Shop")


def test_wiki_unknown_node_is_not_found(lark: LarkClient) -> None:
    with pytest.raises(NotFound, match="wiki node wikNone"):
        lark.wiki.get_node(token="wikNone")


# the async twin


def test_async_client_whole_life_of_a_table(make_async_client: Callable[..., AsyncLarkClient], world: World) -> None:
    async def work() -> tuple[AppInfo, list[RecordPage]]:
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, world.emu.url, rate_share=None) as client:
            world.emu.faults.add("batch_create", action="expire_tokens")
            rows = [{"Name": str(number)} for number in range(10)]
            await client.bitable.batch_create(**world.at, records=rows, client_token=_token())
            pages = [page async for page in client.bitable.search_pages(**world.at, page_size=4)]
            world.emu.faults.add("GET /open-apis/bitable", code=99991400, status=429, reset_seconds=999)
            with pytest.raises(RateLimited):
                await client.bitable.get_app(app_token=world.app_token)
            return await client.bitable.get_app(app_token=world.app_token), pages

    app, pages = asyncio.run(work())
    assert app.name == "Shop"
    assert [len(page.items) for page in pages] == [4, 4, 2]


def test_async_client_cancelled_token_request_lets_others_fetch(world: World) -> None:
    world.emu.faults.add("tenant_access_token", action="delay", delay_seconds=0.5)

    async def work() -> int | None:
        async with AsyncLarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, world.emu.url) as client:
            first = asyncio.create_task(client.bitable.search_page(**world.at))
            await asyncio.sleep(0.1)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return (await client.bitable.search_page(**world.at)).total

    assert asyncio.run(asyncio.wait_for(work(), timeout=600)) == 0


def test_writes_of_all_clients_of_a_process_take_turns_in_a_base(world: World) -> None:
    emu = world.emu
    base = emu.state.create_base("Busy")
    tables = [emu.state.create_table(base.app_token, f"t{n}", [{"field_name": "A", "type": 2}]) for n in range(4)]
    emu.switches.update({"lock_whole_base": True, "write_seconds": 0.02})

    def write(table_id: str) -> None:
        with LarkClient(emu.app_id, emu.app_secret, emu.url, rate_share=None, max_attempts=1) as client:
            for n in range(5):
                client.bitable.create_record(app_token=base.app_token, table_id=table_id, fields={"A": n})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [table.table_id for table in tables]))
    assert [len(emu.person.records(base.app_token, table.table_id)) for table in tables] == [5] * 4


def test_async_writes_take_turns_in_a_base(world: World) -> None:
    emu = world.emu
    base = emu.state.create_base("Busy")
    table = emu.state.create_table(base.app_token, "t", [{"field_name": "A", "type": 2}])
    emu.switches.update({"lock_whole_base": True, "write_seconds": 0.02})

    async def work() -> None:
        async with AsyncLarkClient(emu.app_id, emu.app_secret, emu.url, rate_share=None, max_attempts=1) as client:
            at = {"app_token": base.app_token, "table_id": table.table_id}
            await asyncio.gather(*(client.bitable.create_record(**at, fields={"A": n}) for n in range(6)))

    asyncio.run(work())
    assert len(emu.person.records(base.app_token, table.table_id)) == 6
