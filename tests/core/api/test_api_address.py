"""Where a table is, as people write it, and what is asked to find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.address import TableAddress, TableRef, parse_base, parse_table
from airflow_provider_lark.core.errors import AccessDenied, ConfigError, NotFound
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

APP, TABLE = "bascnCMII2ORej2RItqpZZUNMIe", "tblxI2tWaxP5dG7p"
BASES = {"MyDB": APP, "Wiki": "https://x.feishu.cn/wiki/wikcnNode", "Address": f"https://x.feishu.cn/base/{APP}"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param((APP, TABLE), TableAddress(app_token=APP, table_id=TABLE), id="two ids"),
        pytest.param((APP, "users"), TableAddress(app_token=APP, table="users"), id="id and name"),
        pytest.param((f"{APP}_{TABLE}",), TableAddress(app_token=APP, table_id=TABLE), id="inside a document"),
        # SQL people name tables so; an id has 13 characters after tbl
        pytest.param((APP, "tblCustomers"), TableAddress(app_token=APP, table="tblCustomers"), id="name like an id"),
        pytest.param((f"{APP}:users",), TableAddress(app_token=APP, table="users"), id="short form with a token"),
        pytest.param(("MyDB:users",), TableAddress(app_token=APP, base="MyDB", table="users"), id="short form"),
        pytest.param(
            (" MyDB : 用户: 新 ",), TableAddress(app_token=APP, base="MyDB", table="用户: 新"), id="blanks, colon"
        ),
        pytest.param(("MyDB", TABLE), TableAddress(app_token=APP, base="MyDB", table_id=TABLE), id="named base"),
        pytest.param(
            ("Wiki:users",), TableAddress(wiki_token="wikcnNode", base="Wiki", table="users"), id="base in a wiki"
        ),
        pytest.param(
            ("Address:users",), TableAddress(app_token=APP, base="Address", table="users"), id="base by its address"
        ),
        pytest.param(
            (f"https://x.feishu.cn/base/{APP}?table={TABLE}&view=vewA",),
            TableAddress(app_token=APP, table_id=TABLE, view_id="vewA"),
            id="address",
        ),
        pytest.param(
            (f"https://x.larksuite.com/wiki/nod1?table={TABLE}",),
            TableAddress(wiki_token="nod1", table_id=TABLE),
            id="wiki address",
        ),
        pytest.param(
            (f"https://x.feishu.cn/base/{APP}?table={TABLE}&view=vewA", "users"),
            TableAddress(app_token=APP, table="users"),
            id="address and another table",
        ),
        pytest.param(
            (f"https://x.feishu.cn/base/{APP}?table={TABLE}&view=vewA", TABLE),
            TableAddress(app_token=APP, table_id=TABLE, view_id="vewA"),
            id="address and the same table",
        ),
        pytest.param(
            (f"https://x.feishu.cn/base/{APP}", "users"), TableAddress(app_token=APP, table="users"), id="base address"
        ),
    ],
)
def test_table_is_read_as_people_write_it(given: Any, expected: TableAddress) -> None:
    assert parse_table(*given, bases=BASES) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(("",), "does not specify a table", id="nothing"),
        pytest.param((APP,), "does not specify a table.*<base>:<table>", id="base only"),
        pytest.param(
            (f"https://x.feishu.cn/base/{APP}",), r"does not specify a table.*\?table=", id="address of a base"
        ),
        pytest.param(
            ("MyDb:users",), r"'MyDb' is not a known base name \(known: Address, MyDB, Wiki\)", id="unknown base"
        ),
        pytest.param((":users",), "no base given", id="no base"),
        pytest.param(("https://x.feishu.cn/sheets/sht1?table=a",), "not a Bitable address", id="sheet"),
        pytest.param(("https://[x/base/a",), "not a Bitable address", id="no address"),
        pytest.param(("ftp://x/base/a?table=b",), "not a Bitable address", id="other scheme"),
    ],
)
def test_table_that_cannot_be_read_says_what_to_write(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_table(*given, bases=BASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(APP, TableAddress(app_token=APP), id="token"),
        pytest.param("MyDB", TableAddress(app_token=APP, base="MyDB"), id="name"),
        pytest.param("https://x/wiki/nod1?table=tblA", TableAddress(wiki_token="nod1", table_id="tblA"), id="address"),
    ],
)
def test_base_is_read_as_people_write_it(text: str, expected: TableAddress) -> None:
    assert parse_base(text, bases=BASES) == expected


def test_label_names_what_the_person_wrote() -> None:
    assert parse_table("MyDB:users", bases=BASES).label == "MyDB:users"
    assert parse_base(APP).label == APP


@pytest.fixture
def place(emu: Emulator) -> tuple[str, str]:
    base = emu.state.create_base("Shop")
    return base.app_token, emu.state.create_table(base.app_token, "users", [{"field_name": "N", "type": 1}]).table_id


def test_locate_with_all_ids_asks_nobody(lark: LarkClient) -> None:
    address = parse_table(f"https://x.feishu.cn/base/{APP}?table={TABLE}&view=vewA")
    assert lark.bitable.locate(address) == TableRef(APP, TABLE, "vewA")
    assert lark.bitable.locate_base(address) == APP
    assert lark.calls.total == 0


@pytest.mark.parametrize("by_id", [False, True], ids=["name", "id"])
def test_locate_finds_a_table_by_its_name_or_an_odd_id(lark: LarkClient, place: tuple[str, str], by_id: bool) -> None:
    address = TableAddress(app_token=place[0], table=place[1] if by_id else " users ")
    assert lark.bitable.locate(address) == TableRef(*place)
    assert lark.calls.by_kind["tables"] == 1


def test_locate_unknown_name_lists_the_tables(lark: LarkClient, place: tuple[str, str]) -> None:
    with pytest.raises(NotFound, match="no table named 'user'; its tables: users"):
        lark.bitable.locate(TableAddress(app_token=place[0], table="user"))


def test_locate_wiki_link_is_asked_for_once_in_a_process(
    emu: Emulator, make_client: Callable[..., LarkClient], place: tuple[str, str]
) -> None:
    node = emu.state.add_wiki_node(place[0])
    address = parse_table(f"https://x.feishu.cn/wiki/{node}?table={place[1]}&view=vewA")
    clients = [LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, emu.url) for _ in range(2)]
    for client in clients:
        with client:
            assert client.bitable.locate(address) == TableRef(*place, "vewA")
    assert [client.calls.by_kind for client in clients] == [{"token": 1, "other": 1}, {}]


def test_locate_wiki_shortcut_leads_to_the_base(emu: Emulator, lark: LarkClient, place: tuple[str, str]) -> None:
    shortcut = emu.state.add_wiki_shortcut(emu.state.add_wiki_node(place[0]))
    assert lark.bitable.locate_base(parse_base(f"https://x.feishu.cn/wiki/{shortcut}")) == place[0]


def test_locate_wiki_page_of_another_kind_says_so(emu: Emulator, lark: LarkClient) -> None:
    node = emu.state.add_wiki_node("doxcn1", obj_type="docx")
    with pytest.raises(NotFound, match="a docx, not a Bitable"):
        lark.bitable.locate(TableAddress(wiki_token=node, table_id=TABLE))


def test_locate_wiki_page_that_the_app_may_not_read_says_what_to_do(
    emu: Emulator, lark: LarkClient, place: tuple[str, str]
) -> None:
    node = emu.state.add_wiki_node(place[0], members=["cli_other"])
    with pytest.raises(AccessDenied, match="add the app to the wiki page"):
        lark.bitable.locate_base(TableAddress(wiki_token=node))


def test_wiki_node_in_place_of_an_app_token_is_hinted_at(
    emu: Emulator, lark: LarkClient, place: tuple[str, str]
) -> None:
    node = emu.state.add_wiki_node(place[0])
    with pytest.raises(NotFound, match="/wiki/ address"):
        lark.bitable.locate(TableAddress(app_token=node, table="users"))


def test_locate_without_a_base_or_a_table_is_refused(lark: LarkClient) -> None:
    with pytest.raises(ConfigError, match="'MyDB' is not a known base name"):
        lark.bitable.locate(TableAddress(base="MyDB", table="users"))
    with pytest.raises(ConfigError, match="does not specify a table"):
        lark.bitable.locate(TableAddress(app_token=APP))


@pytest.mark.parametrize(
    ("lark", "bases", "expected"),
    [
        pytest.param({"base": "Wiki", "table": "t"}, BASES, ("", "wikcnNode", "Wiki"), id="named base in a wiki"),
        pytest.param({"base": "MyDB", "table": "t"}, BASES, (APP, "", "MyDB"), id="named base"),
        pytest.param(
            {"base": "https://x.feishu.cn/wiki/nod1", "table": "t"}, None, ("", "nod1", ""), id="wiki link as base"
        ),
        pytest.param(
            {"app_token": f"https://x.feishu.cn/base/{APP}?table=tblA", "table_id": "tblB"},
            None,
            (APP, "", ""),
            id="address as app_token",
        ),
    ],
)
def test_mapping_takes_addresses_wherever_it_names_a_base(lark: Any, bases: Any, expected: Any) -> None:
    target = TableMapping.from_dict({"lark": lark, "sql": "t"}, bases=bases).lark
    assert (target.app_token, target.wiki_token, target.base) == expected
    assert (target.table or target.table_id) in ("t", "tblB")
