"""What Airflow mounts and shows of the page.

Airflow loads this module in each of its processes, so all that the page needs is imported at its first request.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow import __version__ as airflow_version
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from starlette.applications import Starlette

log = logging.getLogger(__name__)

URL_PREFIX = "/lark-sync"
"""Not below ``/lark``, which a proxy may let strangers reach for the sake of the receiver."""

ROUTE = "lark_sync"
_OFF = ("", "0", "f", "false")


def is_wanted() -> bool:
    """Tell whether there is a page: there are mapping files, and nobody has switched it off."""
    is_on = str(conf.get("lark", "sync_page_enabled", fallback="True") or "").strip().lower() not in _OFF
    return is_on and bool((conf.get("lark", "mapping_files", fallback="") or "").strip())


def read_apps() -> list[dict[str, Any]]:
    """Return what the api-server serves."""
    return [{"app": PageApp(), "url_prefix": URL_PREFIX, "name": "Lark sync"}] if is_wanted() else []


def read_views() -> list[dict[str, Any]]:
    """Return what Airflow's UI has an entry for."""
    if not is_wanted():
        return []
    # a browser asks for it from wherever Airflow is, below a prefix too
    address = f"{urlsplit(conf.get('api', 'base_url', fallback='') or '').path.rstrip('/')}{URL_PREFIX}/"
    icons = {"icon": f"{address}static/icon.svg", "icon_dark_mode": f"{address}static/icon-dark.svg"}
    page: dict[str, Any] = {"name": "Lark sync", **icons}
    views = [{**page, "href": address, "destination": "nav", "category": "browse", "url_route": ROUTE}]
    if _has_tab():
        place = "?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}"
        # before 3.4 Airflow does not know applies_to, and has the tab at every task
        tab = {"href": address + place, "destination": "task_instance", "applies_to": {"dag.tags.name": ["lark"]}}
        views.append({**page, **tab, "url_route": f"{ROUTE}_task"})
    return views


def _has_tab() -> bool:
    wanted = str(conf.get("lark", "sync_page_tab", fallback="") or "").strip().lower()
    major, minor = (int(re.sub(r"\D.*", "", part) or 0) for part in airflow_version.split(".")[:2])
    return wanted not in _OFF if wanted else (major, minor) >= (3, 4)


class PageApp:
    """An ASGI application that is made at its first request, in the process that serves it."""

    def __init__(self) -> None:
        self._app: Starlette | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._app is None:
            from airflow_provider_lark.plugins.sync_page.app import make_app

            self._app = make_app()
        await self._app(scope, receive, send)
