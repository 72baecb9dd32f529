"""What programs do to shop.db and people do to the base, between two syncs; and what must have come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from world import World

KEY_FIELD = "代码"
CONFLICT = "110108"


@dataclass
class Edits:
    """What was done, in words, and the outcome that both sides must show.

    :param done: lines of side, table and what was done there.
    :param outcome: by table and key: the name that must stand there, or None where the row must be gone.
    """

    done: list[tuple[str, str, str]] = field(default_factory=list)
    outcome: dict[tuple[str, str], str | None] = field(default_factory=dict)


def edit_both_sides(world: World) -> Edits:
    """Edit rows in SQL and records in Lark; one area on both sides."""
    edits = Edits()
    _edit_sql(world, edits)
    _edit_lark(world, edits)
    _edit_both(world, edits)
    return edits


def _edit_sql(world: World, edits: Edits) -> None:
    with world.sql() as conn:
        noted = conn.execute("UPDATE areas SET note = '2026 复核' WHERE province_code = '31'").rowcount
        conn.execute("UPDATE areas SET name = '通州新区' WHERE code = '110112'")
        conn.execute(
            "INSERT INTO areas (code, name, city_code, province_code)"
            " VALUES ('110190', '示范区', '1101', '11'), ('310190', '临港区', '3101', '31')"
        )
        conn.execute("DELETE FROM areas WHERE code IN ('120101', '120102', '120103')")
        conn.execute("UPDATE cities SET name = '石家庄市（省会）' WHERE code = '1301'")
        conn.execute("INSERT INTO cities (code, name, province_code) VALUES ('1390', '雄安新区', '13')")
        conn.execute("DELETE FROM cities WHERE code = '1302'")
    edits.done += [
        ("SQL", "areas", f"{noted + 1} rows updated, 2 inserted, 3 deleted"),
        ("SQL", "cities", "1 row updated, 1 inserted, 1 deleted"),
    ]
    edits.outcome |= {
        ("areas", "110112"): "通州新区",
        ("areas", "110190"): "示范区",
        ("areas", "310190"): "临港区",
        ("areas", "120101"): None,
        ("areas", "120102"): None,
        ("areas", "120103"): None,
        ("cities", "1301"): "石家庄市（省会）",
        ("cities", "1390"): "雄安新区",
        ("cities", "1302"): None,
    }


def _edit_lark(world: World, edits: Edits) -> None:
    areas, cities = _Table(world, "areas"), _Table(world, "cities")
    areas.edit("110101", {"名称": "东城区（旧城）", "备注": "由同事修改"})
    checked = areas.edit_where(lambda code: code.startswith("4401"), {"已核对": True})
    areas.add({"代码": "440190", "名称": "南沙新区", "城市代码": "4401", "省份代码": "44"})
    areas.delete("650102")
    cities.edit("4401", {"备注": "省会"})
    cities.add({"代码": "4606", "名称": "洋浦", "省份代码": "46"})
    cities.delete("6501")
    edits.done += [
        ("Lark", "areas", f"{checked + 1} records edited, 1 added, 1 deleted"),
        ("Lark", "cities", "1 record edited, 1 added, 1 deleted"),
    ]
    edits.outcome |= {
        ("areas", "110101"): "东城区（旧城）",
        ("areas", "440190"): "南沙新区",
        ("areas", "650102"): None,
        ("cities", "4606"): "洋浦",
        ("cities", "6501"): None,
    }


def _edit_both(world: World, edits: Edits) -> None:
    with world.sql() as conn:
        conn.execute("UPDATE areas SET name = '海淀区（数据库）' WHERE code = ?", [CONFLICT])
    _Table(world, "areas").edit(CONFLICT, {"名称": "海淀区（同事）"})
    edits.done.append(("both", "areas", f"the name of {CONFLICT}, first in SQL and then in Lark: a conflict"))
    # the mapping says `conflict: newest`
    edits.outcome["areas", CONFLICT] = "海淀区（同事）"


class _Table:
    """A Bitable table as a person edits it, records found by their code."""

    def __init__(self, world: World, name: str) -> None:
        self._person = world.emulator.person
        self._place = (world.app_token, world.table_ids[name])
        self._ids = {
            "".join(part["text"] for part in record["fields"][KEY_FIELD]): record["record_id"]
            for record in world.records(name)
        }

    def edit(self, code: str, fields: dict[str, Any]) -> None:
        self._person.edit_record(*self._place, self._ids[code], fields)

    def edit_where(self, chosen: Callable[[str], bool], fields: dict[str, Any]) -> int:
        codes = [code for code in self._ids if chosen(code)]
        for code in codes:
            self.edit(code, fields)
        return len(codes)

    def add(self, fields: dict[str, Any]) -> None:
        self._person.add_record(*self._place, fields)

    def delete(self, code: str) -> None:
        self._person.delete_record(*self._place, self._ids[code])
