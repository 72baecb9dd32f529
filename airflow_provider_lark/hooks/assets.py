"""Asset URIs of the scheme ``lark``: ``lark://<host>/<app_token>/<table_id>``, or by names ``lark://MyDB/users``.

Airflow loads this wherever assets are read, so it imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset


_SAFE = "!$&'()*+,;=:@"
"""What stands for itself in a host and in a step of a path, beside letters and digits (RFC 3986)."""


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return *uri* with everything but ASCII percent-encoded: Airflow drops a DAG, silently, over an asset with more.

    ``lark://MyDB/审批`` and ``lark://MyDB/%E5%AE%A1%E6%89%B9`` are one asset.
    """
    return uri._replace(netloc=_encode(uri.netloc, _SAFE), path=_encode(uri.path, f"{_SAFE}/"))


def _encode(text: str, safe: str) -> str:
    # what is encoded already stays so
    return quote(unquote(text), safe=safe)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:
    """Return the OpenLineage dataset of a table's asset, the same that the operators report."""
    from urllib.parse import urlsplit

    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    name = unquote(parts.path).strip("/").replace("/", ".")
    return Dataset(namespace=f"lark://{unquote(parts.netloc)}", name=name)
