"""``airflow lark sync explain``: why a row is as it is, and everything that ever happened to it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import wanted_mappings
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.places import Failures, conn_id_of, require_ledger
from airflow_provider_lark.cli.sync.words import cell_text, moment
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.hints import list_names
from airflow_provider_lark.core.ledger.history.completeness import Gap
from airflow_provider_lark.core.sync.explain.authors import Authors
from airflow_provider_lark.core.sync.explain.events import Event
from airflow_provider_lark.core.sync.explain.explanation import Explanation
from airflow_provider_lark.core.sync.explain.explanation import explain as explain_row
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook

_NOTHING = "(none)"


@command
def explain(args: Namespace) -> None:
    """Print the state of a row with the reasons, what both sides hold, and its past."""
    mappings = wanted_mappings(args)
    hook = LarkHook(args.conn_id)
    found: list[Explanation] = []
    failures = Failures(len(mappings))
    with hook.client() as client:
        for mapping in mappings:
            # one that is not set up yet, or whose database is down, must not hide what another one knows
            with failures.of(mapping), opened_engine(conn_id_of(mapping, args)) as database:
                require_ledger(database, mapping)
                told = explain_row(client, database, mapping.with_bases(hook.bases), args.key)
                if told is not None:
                    found.append(told)
    if not found:
        failures.end()
    failures.show()
    if not found:
        names = list_names(mapping.name for mapping in mappings)
        raise ConfigError(f"row {args.key!r}: neither the tables nor the ledger of {names} know it")
    if args.output not in ("table", "plain"):
        print_rows([each.to_dict() for each in found], args.output)
        return
    for explanation in found:
        _print(explanation, args.output)


def _print(told: Explanation, output: str) -> None:
    record = f", record {told.record_id}" if told.record_id else ""
    print(shown(f"{told.mapping}: row {told.key}{record}: {told.state.word}"))
    for why in told.state.why:
        print(shown(f"  {why}"))
    print()
    print_rows(
        [
            {
                "Column": each.column,
                "Agreed": cell_text(each.base),
                "Lark": cell_text(each.lark),
                "SQL": cell_text(each.sql),
                "Note": each.note,
            }
            for each in told.state.values
        ],
        output,
    )
    print()
    if told.events:
        print_rows([line for event in told.events for line in _lines(event)], output)
    print(shown(_since(told.gap)))
    print()
    _print_authors(told.authors, output)


def _lines(event: Event) -> Iterator[dict[str, Any]]:
    told: dict[str, Any] = {"Time": moment(event.at_ms), "What": event.what}
    for name in event.columns or [""]:
        yield {
            **told,
            "Column": name,
            "Agreed": _cell(event.base, name),
            "Lark": _cell(event.lark, name),
            "SQL": _cell(event.sql, name),
            "Written": _cell(event.after, name),
            "Why": event.why,
            "Run": event.run_id,
        }


def _cell(values: Mapping[str, Canonical] | None, name: str) -> str:
    if not name:
        return ""
    return _NOTHING if values is None else cell_text(values.get(name))


def _since(gap: Gap | None) -> str:
    if gap is None:
        return "This is all since the first run."
    if gap.reason == "retention":
        return f"Complete since {moment(gap.until_ms)}; what happened before was dropped by the retention."
    return f"Complete since {moment(gap.until_ms)}; of what happened before, no values were kept."


def _print_authors(authors: Authors, output: str) -> None:
    if authors.why_not:
        print(shown(authors.why_not))
        return
    rows = [
        {
            "In Lark": "" if each.at_ms is None else moment(each.at_ms),
            "Did": each.activity,
            "Who": each.by,
            "Columns": ", ".join(each.columns),
            "Other fields": ", ".join(each.others),
        }
        for each in authors.edits
    ]
    print_rows(rows, output)
