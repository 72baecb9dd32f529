"""Records that go to SQL and come back are the same records, on each database, whatever stands in them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace

KINDS = {"key": 2, "text": 1, "number": 2, "one": 3, "many": 4, "at": 5, "ok": 7, "phone": 13, "page": 15, "place": 22}
FIELDS = list(KINDS)


def is_lark_number(value: float) -> bool:
    """Lark keeps 15 digits."""
    return value == float(f"{value:.15g}") and (value == 0 or 1e-300 < abs(value) < 1e300)


names = st.text("abcXYZ 中é,\"'[]{}%:", min_size=1, max_size=6).filter(lambda name: name.strip() == name)
cells = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
        "number": st.floats(allow_nan=False, allow_infinity=False).filter(is_lark_number),
        "one": names,
        "many": st.lists(names, max_size=3, unique=True),
        "at": st.integers(-62_135_596_800_000, 253_402_214_400_000),
        "ok": st.booleans(),
        "phone": st.from_regex(r"\A\+?[0-9]{1,20}\Z"),
        "page": st.builds(lambda name, path: {"text": name, "link": f"http://{path}"}, names, st.text("ab/?=%")),
        "place": st.builds("{},{}".format, st.integers(-180, 180), st.integers(-90, 90)),
    },
)


def test_records_come_back_as_they_went(lark, engine):
    where = lark.table("trips", **KINDS)

    # real servers and the emulator: few examples here, many by hand
    @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(cells, min_size=1, max_size=6))
    def travel(rows: list[dict[str, Any]]) -> None:
        ids = [record["record_id"] for record in lark.records(where)]
        lark.emulator.person.delete_records(lark.app_token, where.table_id, ids)
        lark.add(where, *({"key": at, **row} for at, row in enumerate(rows)))
        before = seen(lark, where)
        down = copy_to_sql(
            lark.client, engine, where, TargetPlace("trips"), DumpOptions(mode="replace", create_table=True)
        )
        again = copy_to_sql(lark.client, engine, where, TargetPlace("trips"), DumpOptions(mode="upsert"))
        assert (down.created, again.unchanged) == (len(rows), len(rows))
        source, upsert = SqlSource(table="trips"), LoadOptions(mode="upsert", key_fields=["key"], fields=FIELDS)
        up = copy_to_bitable(lark.client, engine, source, where, upsert)
        assert up.unchanged == len(rows)
        copy_to_bitable(lark.client, engine, source, where, LoadOptions(mode="replace", fields=FIELDS))
        assert seen(lark, where) == before

    travel()


def seen(lark: Any, where: Any) -> dict[int, dict[str, Any]]:
    """Cells by key; an empty checkbox is one that is not ticked."""
    records = [record["fields"] for record in lark.records(where)]
    return {math.floor(cells["key"]): {**cells, "ok": bool(cells.get("ok"))} for cells in records}
