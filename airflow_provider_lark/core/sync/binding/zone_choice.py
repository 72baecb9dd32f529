"""In which time zone the dates of a SQL table are meant: the mapping's, what setup stored, or the base's own.

What is stored stays, also when somebody changes the base's zone: another zone gives every date another meaning, so
only a mapping that names one changes it. A ledger of a version that stored none took UTC, and goes on so.
"""

from __future__ import annotations

from datetime import tzinfo

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.zone_use import depends_on_zone
from airflow_provider_lark.core.fields.zones import Zone, read_zone
from airflow_provider_lark.core.lark_side.base_zone import BaseZone
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.checkpoint import Checkpoint
from airflow_provider_lark.core.sync.binding.bound import Binding
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import Report

_BEFORE = "UTC"


def choose_zone(mapping: TableMapping, state: Checkpoint | None, base: BaseZone) -> Zone:
    """Return the zone to bind *mapping* with; the base is asked only if a pair needs it and nothing else tells.

    :raises ConfigError: the zone's name is unknown.
    """
    if mapping.time_zone:
        return read_zone(mapping.time_zone)
    if state is None or not state.fields or state.time_zone == "":
        return base
    return base.stored(state.time_zone) if state.time_zone else read_zone(_BEFORE)


def name_zone(zone: Zone, *, ask: bool = False) -> str:
    """Return the name to store; empty where Lark does not tell it, or was not asked.

    :param ask: ask Lark, also where no date needs it yet.
    """
    if isinstance(zone, BaseZone):
        if ask or zone.is_known:
            try:
                return zone().key
            except ConfigError:
                pass
        return ""
    return zone_key(zone) if isinstance(zone, tzinfo) else ""


def zone_key(zone: tzinfo) -> str:
    """Return the IANA name of a zone."""
    return str(getattr(zone, "key", zone))


def dated_columns(binding: Binding) -> list[str]:
    """Return the columns whose values mean another moment in another zone."""
    return [pair.column.name for pair in binding.pairs if depends_on_zone(pair.field, pair.column)]


def settle_zone(ledger: Ledger, binding: Binding, state: Checkpoint | None, name: str, report: Report) -> None:
    """Forget what was agreed about dates when the zone is another one than before, and say so.

    Both sides then meet as for the first time: where they differ, the conflict policy decides, and it is on record.
    """
    report.time_zone = name or None
    before = None if state is None else state.time_zone
    if not before or not name or before == name:
        return
    columns = dated_columns(binding)
    for column in columns:
        ledger.pairs.forget_column(column)
    if columns:
        report.warnings.append(
            f"dates of {binding.table_name} are now interpreted in {name} instead of {before}: the next full sync "
            f"compares {', '.join(columns)} again, and the mapping's conflict policy decides where the sides differ"
        )


def warn_of_other_zone(binding: Binding, name: str, base: BaseZone, report: Report) -> None:
    """Warn where dates are taken in another zone than people see them in, and the mapping does not name it.

    It costs a call.
    """
    columns = dated_columns(binding)
    shown = name_zone(base, ask=True)
    if columns and shown and shown != name:
        report.warnings.append(
            f"dates in {', '.join(columns)} of {binding.table_name} are interpreted in {name}, as recorded in the "
            f"ledger, but the base shows dates in {shown}: set time_zone: {name} in the mapping if that is intended, "
            f"otherwise see docs/operations.md on how to change to {shown}"
        )
