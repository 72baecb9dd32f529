"""What a task tells others about the tables that it reads and writes: lineage and asset events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_lark.hooks.table_place import TablePlace

if TYPE_CHECKING:
    from airflow.sdk import Context


def openlineage_facets(*, inputs: Iterable[TablePlace] = (), outputs: Iterable[TablePlace] = ()) -> Any:
    """Return the ``OperatorLineage`` of Bitable tables; None where the OpenLineage provider is not installed."""
    try:
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None

    def datasets(places: Iterable[TablePlace]) -> list[Any]:
        return [Dataset(namespace=place.namespace, name=dataset_name(place)) for place in places]

    return OperatorLineage(inputs=datasets(inputs), outputs=datasets(outputs))


def dataset_name(place: TablePlace) -> str:
    """Return the name of a table in lineage: ``<app_token>.<table_id>``."""
    return ".".join(filter(None, (place.app_token, place.table_id)))


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


def tell_outlets(context: Context, outlets: Sequence[Any], place: TablePlace, counts: Mapping[str, int]) -> None:
    """Put *counts* into the asset event of each outlet that is this table: by ids, or by the names of the task."""
    known = {unquote(uri) for uri in (place.uri, place.named_uri) if uri}
    for outlet in outlets:
        if unquote(str(getattr(outlet, "uri", ""))) in known:
            context["outlet_events"][outlet].extra.update(counts)
