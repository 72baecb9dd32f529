"""What a decision about a row was based on, and its result: a stored plan must find the same again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical, dump_values
from airflow_provider_lark.core.side import Key


@dataclass(frozen=True, slots=True)
class Grounds:
    """One decision.

    :param side: the side that was decided about; ``seen`` where a record was only looked at before it is written to.
    :param record_id: empty where the row has no record.
    :param seen: the values that were looked at: base, record, row; None for one that is not there.
    :param outcome: the decision in words.
    :param values: what would be written.
    :param waits: those columns of *values* that are put off, because the rows they name have no record yet.
    :param acts: something is written, owed or left to a person; otherwise both sides already agree.
    """

    side: Literal["lark", "sql", "seen"]
    key: Key | None
    record_id: str
    seen: Sequence[Mapping[str, Canonical] | None]
    outcome: Sequence[str]
    values: Mapping[str, Canonical]
    waits: Sequence[str] = ()
    acts: bool = True

    def fingerprint(self, salt: str) -> str:
        """Return what equal grounds have in common, and from which no value can be read.

        :param salt: of the plan, so that two plans cannot be held against each other.
        """
        told = [None if values is None else dump_values(values) for values in (*self.seen, self.values)]
        text = json.dumps([*told, *self.outcome, *sorted(self.waits)], ensure_ascii=False)
        return blake2b(text.encode(errors="surrogatepass"), digest_size=16, key=salt.encode()[:64]).hexdigest()
