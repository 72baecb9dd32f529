"""Lineage and asset events for the tables that a task reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_lark.hooks.table_place import TablePlace

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

CHANGES = ("both", "to_sql", "to_lark")
"""Which of a sync's changes consumers may want to hear of."""

_WRITES = ("created", "updated", "deleted")


def openlineage_facets(
    *,
    inputs: Iterable[TablePlace] = (),
    outputs: Iterable[TablePlace] = (),
    sql_inputs: Iterable[tuple[str, str]] = (),
    sql_outputs: Iterable[tuple[str, str]] = (),
) -> Any:
    """Return the ``OperatorLineage`` of Bitable tables; None where the OpenLineage provider is not installed.

    :param sql_inputs: SQL tables too, as :func:`name_dataset` names them.
    """
    try:
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None

    def datasets(places: Iterable[TablePlace], tables: Iterable[tuple[str, str]]) -> list[Any]:
        lark = [Dataset(namespace=place.namespace, name=dataset_name(place)) for place in places]
        return lark + [Dataset(namespace=namespace, name=name) for namespace, name in tables]

    return OperatorLineage(inputs=datasets(inputs, sql_inputs), outputs=datasets(outputs, sql_outputs))


def dataset_name(place: TablePlace) -> str:
    """Return the name of a table in lineage: ``<app_token>.<table_id>``."""
    return ".".join(filter(None, (place.app_token, place.table_id)))


def name_dataset(engine: Engine, schema: str | None, table: str | None) -> tuple[str, str] | None:
    """Return namespace and name of a SQL table in lineage; None for a database without a name for it: SQLite.

    Source: openlineage.io, "Naming conventions", read 2026-11.
    """
    url, kind = engine.url, engine.dialect.name
    if not table or kind == "sqlite":
        return None
    if kind == "postgresql":
        name = ".".join((url.database or "", schema or engine.dialect.default_schema_name or "public", table))
        return f"postgres://{url.host or 'localhost'}:{url.port or 5432}", name
    return f"mysql://{url.host or 'localhost'}:{url.port or 3306}", ".".join((schema or url.database or "", table))


def query_datasets(engine: Engine, sql: str) -> list[tuple[str, str]]:
    """Return namespace and name of each table that a query reads; none where OpenLineage's parser is not installed.

    The parser leaves out what it does not understand.
    """
    try:
        from openlineage.common.sql import parse  # type: ignore[import-untyped]  # it has none
    except ImportError:
        return []
    found = parse([sql], dialect={"postgresql": "postgres"}.get(engine.dialect.name, engine.dialect.name))
    named = [name_dataset(engine, each.schema, each.name) for each in (found.in_tables if found else ())]
    return list(dict.fromkeys(each for each in named if each is not None))


def collect_lineage(hook: Any, *, inputs: Iterable[TablePlace] = (), outputs: Iterable[TablePlace] = ()) -> None:
    """Tell Airflow's hook lineage, which keeps it only where a plugin reads it.

    :param hook: the hook that reached the tables.
    """
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
    for place in inputs:
        collector.add_input_asset(context=hook, uri=place.uri)
    for place in outputs:
        collector.add_output_asset(context=hook, uri=place.uri)


def count_changes(result: Mapping[str, Any], which: str = "both") -> int:
    """Return how many rows and records a task has created, updated and deleted.

    :param which: of a sync, one of :data:`CHANGES`.
    """
    if "to_sql" not in result:
        return sum(count for name in _WRITES if isinstance(count := result.get(name), int))
    sides = ("to_sql", "to_lark") if which == "both" else (which,)
    return sum(int(count) for side in sides for count in result[side].values())


def tell_outlets(
    context: Context, outlets: Sequence[Any], place: TablePlace, counts: Mapping[str, Any], *, changed: int
) -> None:
    """Put *counts* into the asset event of each outlet that is this table: by ids, or by the names of the task.

    An asset alias among the outlets gets an event, of this table, only when something was *changed*: Airflow makes one
    of an asset whenever a task succeeds.
    """
    from airflow.sdk import Asset, AssetAlias

    known = {unquote(uri) for uri in (place.uri, place.named_uri) if uri}
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            if changed:
                context["outlet_events"][outlet].add(Asset(place.named_uri or place.uri), extra=dict(counts))
        elif unquote(str(getattr(outlet, "uri", ""))) in known:
            context["outlet_events"][outlet].extra.update(counts)
