"""Asset URIs of the scheme ``lark``: ``lark://<host>/<app_token>/<table_id>``, or by names ``lark://MyDB/users``.

Airflow loads this wherever assets are read, so it imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return *uri* as it is: every form of ours is normal, and a DAG must not fail to parse over another."""
    return uri


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:
    """Return the OpenLineage dataset of a table's asset, the same that the operators report."""
    from urllib.parse import urlsplit

    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    return Dataset(namespace=f"lark://{parts.netloc}", name=parts.path.strip("/").replace("/", "."))
