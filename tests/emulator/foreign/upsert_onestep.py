"""onestep-feishu-bitable, from PyPI, against an emulator: upserts by key, relations, an incremental read. Prints JSON.

Runs in an environment of its own. LARK_HOST, LARK_APP_ID, LARK_APP_SECRET, LARK_APP_TOKEN, LARK_GOODS and LARK_MAKERS
say where.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from onestep import Envelope
from onestep_feishu_bitable import FeishuBitableConnector

ENV = os.environ
ROWS: list[dict[str, Any]] = [
    {"Name": "a", "Qty": 1, "Maker": "Acme"},
    {"Name": "b", "Qty": 2, "Maker": ["Acme", "Best"]},
    {"Name": "a", "Qty": 10, "Kind": "x", "Maker": "Best"},
]


async def main() -> dict[str, Any]:
    lark = FeishuBitableConnector(
        app_id=ENV["LARK_APP_ID"], app_secret=ENV["LARK_APP_SECRET"], base_url=ENV["LARK_HOST"]
    )
    place = {"app_token": ENV["LARK_APP_TOKEN"], "table_id": ENV["LARK_GOODS"]}
    maker = {"from": "Maker", "table_id": ENV["LARK_MAKERS"], "key": "Name", "on_missing": "create"}
    sink = lark.table_sink(**place, mode="upsert", match_fields=["Name"], relations={"Maker": maker})
    await sink.open()
    for row in ROWS:
        await sink.send(Envelope(body=row))
    await sink.close()
    batched = lark.table_sink(**place, mode="upsert", match_fields=["Name"], batch_size=500)
    await batched.open()
    for number in range(20):
        await batched.send(Envelope(body={"Name": f"n{number}", "Qty": number}))
    await batched.send(Envelope(body={"Name": "b", "Qty": 20}))
    await batched.close()
    source = lark.incremental(**place, cursor_field="Changed", batch_size=50)
    await source.open()
    deliveries = await source.fetch(50)
    read = [each.payload for each in deliveries]
    for each in deliveries:
        await each.ack()
    return {"read": read, "left": len(await source.fetch(50))}


json.dump(asyncio.run(main()), sys.stdout)
