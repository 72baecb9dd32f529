"""Who asks, what they may do, and whether the page itself asks for them.

Airflow mounts the applications of plugins without its authentication, so each route states what it needs. What is used
of Airflow beyond its public interface stands here and nowhere else.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, ConnectionDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request

_MULTI_TEAM = ("core", "multi_team")


class Visitor:
    """A user who may see the page.

    :param user: as Airflow's auth manager knows them.
    """

    def __init__(self, user: GetUserDep) -> None:
        self._user = user
        self.name = user.get_name()

    def may_read(self, conn_id: str) -> bool:
        """Tell whether they may see values of rows: whether they may read the connection of the database."""
        return self._may("GET", conn_id)

    def may_edit(self, conn_id: str) -> bool:
        """Tell whether they may decide about rows: whether they may edit the connection of the database."""
        return self._may("PUT", conn_id)

    def require_edit(self, conn_id: str) -> None:
        """Refuse whoever may not decide about rows.

        :raises HTTPException: 403, with the right that is missing.
        """
        if not self.may_edit(conn_id):
            raise HTTPException(403, f"this needs the right to edit the connection {conn_id!r} in Airflow")

    def _may(self, method: str, conn_id: str) -> bool:
        details = ConnectionDetails(conn_id=conn_id, team_name=_team_of(conn_id))
        found: bool = get_auth_manager().is_authorized_connection(
            method=method,  # type: ignore[arg-type]  # one of the two above
            details=details,
            user=self._user,
        )
        return found


def _team_of(conn_id: str) -> str | None:
    if not conf.getboolean(*_MULTI_TEAM, fallback=False):
        return None
    from airflow.models import Connection

    found: str | None = Connection.get_team_name(conn_id)
    return found


def visitor(user: GetUserDep) -> Visitor:
    """Return who asks, if they may see pages of plugins; Airflow answers 401 for whoever has not logged in.

    :raises HTTPException: 403, with the right that is missing.
    """
    if not get_auth_manager().is_authorized_view(access_view=AccessView.PLUGINS, user=user):
        raise HTTPException(403, "this page needs the right to read plugins in Airflow")
    return Visitor(user)


VisitorDep = Annotated[Visitor, Depends(visitor)]


def own_request(request: Request) -> None:
    """Refuse what another site makes a browser send along with the user's cookie.

    A token in a header is proof enough: no other site knows it, and no form can send it.

    :raises HTTPException: 403.
    """
    if not request.headers.get("authorization", "").lower().startswith("bearer ") and not _is_of_page(request):
        raise HTTPException(403, "this was asked for by another site")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(403, "changes are sent as application/json")


def _is_of_page(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # older browsers, and pages that came over plain HTTP, tell the origin alone; a proxy may have changed the host
    own = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="") or "").netloc}
    return urlsplit(request.headers.get("origin", "")).netloc in own - {None, ""}
