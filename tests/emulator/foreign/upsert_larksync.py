"""larksync, from PyPI, against an emulator: fills a table by its key, changes it, takes it back. Prints JSON.

Runs in an environment of its own. LARK_HOST and LARK_TABLE_URL say where; the app stands in the variables that larksync
itself reads.
"""

from __future__ import annotations

import json
import os
import sys

import larksync.http

# its host is written into it; nothing else is changed
larksync.http.BASE = f"{os.environ['LARK_HOST']}/open-apis"

FIRST = [
    {"Name": "a", "Qty": "1", "Tags": "p, q", "Day": "2026-01-02", "Ok": "true"},
    {"Name": "b", "Qty": "2.5", "Tags": "", "Day": "", "Ok": ""},
]
SECOND = [
    {"Name": "a", "Qty": "10", "Tags": "p, q", "Day": "2026-01-02", "Ok": "true"},
    {"Name": "b", "Qty": "2.5", "Tags": "p", "Day": "2026-01-03", "Ok": "false"},
    {"Name": "c", "Qty": "3", "Tags": "", "Day": "", "Ok": ""},
]

table = larksync.Table(os.environ["LARK_TABLE_URL"], auth="tenant")
table.diff(FIRST, key="Name").apply()
first = table.pull()
plan = table.diff(SECOND, key="Name")
plan.changed += plan.conflicts
done = plan.apply()
second = table.pull()
again = table.diff(SECOND, key="Name")
table.undo(done)
json.dump(
    {
        "title": table.title,
        "first": first,
        "second": second,
        "left": [len(again.changed), len(again.conflicts), len(again.added)],
        "undone": table.pull(),
    },
    sys.stdout,
)
