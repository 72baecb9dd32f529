"""The routes of the page: what it shows to users of Airflow who may see it, and what it changes for those who may.

Whoever adds a route adds it to one of the two routers: both refuse whoever has not logged in, the second also what
another site has sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, Response

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ChangedSince, LarkError, RetriableError
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.plugins.sync_page import acting, reading
from airflow_provider_lark.plugins.sync_page.access import Visitor, VisitorDep, own_request, visitor
from airflow_provider_lark.plugins.sync_page.databases import Databases, describe
from airflow_provider_lark.plugins.sync_page.files import HEADERS, answer_file
from airflow_provider_lark.plugins.sync_page.inputs import Filter, Number, Words
from airflow_provider_lark.plugins.sync_page.mappings import MappingFiles
from airflow_provider_lark.plugins.sync_page.threads import own_threads

log = logging.getLogger(__name__)

B = TypeVar("B", bound=acting.Body)

_KINDS = {401: "no_login", 403: "no_right", 404: "not_found"}
_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


def make_app() -> FastAPI:
    """Return the application; it describes itself to nobody."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    files, databases = MappingFiles(), Databases()
    app.get("/")(_index)
    app.get("/static/{name}")(_static)
    app.include_router(_reads(files, databases))
    app.include_router(_changes(files, databases))
    # last: whatever else is asked for, with whatever method, needs a login like the rest
    app.api_route("/{path:path}", methods=_METHODS, dependencies=[Depends(visitor)])(_nothing)
    app.add_exception_handler(LarkError, _refuse)
    app.add_exception_handler(SQLAlchemyError, _refuse)
    app.add_exception_handler(StarletteHTTPException, _refuse_plainly)
    app.add_exception_handler(RequestValidationError, _refuse_shape)
    app.middleware("http")(_add_headers)
    return app


async def _index(request: Request) -> Response:
    return answer_file(request, "index.html")


async def _static(request: Request, name: str) -> Response:
    return answer_file(request, name)


async def _nothing(path: str) -> Response:
    raise HTTPException(404, "the page has no such address")


def _reads(files: MappingFiles, databases: Databases) -> APIRouter:
    router, apart = APIRouter(prefix="/api", dependencies=[Depends(visitor)]), own_threads()

    @router.get("/mappings")
    @apart
    def mappings(who: VisitorDep) -> dict[str, Any]:
        found = files.read()
        conn_ids = {each.sql.conn_id for each in found.mappings.values() if each.sql.conn_id}
        rights = {conn_id: {"reads": who.may_read(conn_id), "edits": who.may_edit(conn_id)} for conn_id in conn_ids}
        none = {"reads": False, "edits": False}
        told = [{**_about(each), **rights.get(each.sql.conn_id or "", none)} for each in found.mappings.values()]
        return {"user": who.name, "mappings": told, "problems": found.problems}

    @router.get("/states")
    @apart
    def states(conn_id: str) -> dict[str, Any]:
        wanted = [each for each in files.read().mappings.values() if each.sql.conn_id == conn_id]
        return {"states": databases.states(conn_id, wanted) if wanted else []}

    @router.get("/runs")
    @apart
    def runs(mapping: Words, before: Number | None = None) -> dict[str, Any]:
        return _read(files, databases, mapping, lambda ledger: reading.runs(ledger, before))

    @router.get("/failed")
    @apart
    def failed(
        mapping: Words, text: Filter = "", before: Number | None = None, after: Number | None = None
    ) -> dict[str, Any]:
        return _read(files, databases, mapping, lambda ledger: reading.failed(ledger, text, before, after))

    @router.get("/conflicts")
    @apart
    def conflicts(who: VisitorDep, mapping: Words, after: Number = 0) -> dict[str, Any]:
        may_read = _may_read(files, mapping, who)
        return _read(files, databases, mapping, lambda ledger: reading.conflicts(ledger, after, values=may_read))

    @router.get("/held")
    @apart
    def held(mapping: Words, kept_in: Side, after: Number = 0) -> dict[str, Any]:
        return _read(files, databases, mapping, lambda ledger: reading.held(ledger, kept_in, after))

    @router.get("/blacklist")
    @apart
    def blacklist(mapping: Words, before: Number | None = None) -> dict[str, Any]:
        return _read(files, databases, mapping, lambda ledger: reading.blacklist(ledger, before))

    @router.get("/history")
    @apart
    def history(who: VisitorDep, mapping: Words, key: Words) -> dict[str, Any]:
        may_read = _may_read(files, mapping, who)
        return _read(files, databases, mapping, lambda ledger: reading.history(ledger, key, values=may_read))

    return router


def _changes(files: MappingFiles, databases: Databases) -> APIRouter:
    router, apart = APIRouter(prefix="/api", dependencies=[Depends(visitor), Depends(own_request)]), own_threads()

    def change(act: Callable[[Ledger, B, str], dict[str, Any]], body: B, who: VisitorDep) -> dict[str, Any]:
        mapping = _find(files, body.mapping)
        if mapping.sql.conn_id is not None:
            who.require_edit(mapping.sql.conn_id)
        with databases.writing(mapping) as ledger:
            done = act(ledger, body, f"{who.name} (Airflow)")
        log.info("mapping %r: %s by %s on the page: %s", mapping.name, act.__name__, who.name, done["done"])
        return done

    @router.post("/retry")
    @apart
    def retry(who: VisitorDep, body: acting.RetryRows) -> dict[str, Any]:
        return change(acting.retry_rows, body, who)

    @router.post("/retry-all")
    @apart
    def retry_all(who: VisitorDep, body: acting.RetryAll) -> dict[str, Any]:
        return change(acting.retry_all, body, who)

    @router.post("/conflicts/resolve")
    @apart
    def resolve(who: VisitorDep, body: acting.Resolve) -> dict[str, Any]:
        return change(acting.resolve, body, who)

    @router.post("/held/decide")
    @apart
    def decide(who: VisitorDep, body: acting.DecideHeld) -> dict[str, Any]:
        return change(acting.decide, body, who)

    @router.post("/blacklist/add")
    @apart
    def add(who: VisitorDep, body: acting.ListRows) -> dict[str, Any]:
        return change(acting.list_rows, body, who)

    @router.post("/blacklist/remove")
    @apart
    def remove(who: VisitorDep, body: acting.UnlistRows) -> dict[str, Any]:
        return change(acting.unlist_rows, body, who)

    return router


def _about(mapping: TableMapping) -> dict[str, Any]:
    return {
        "name": mapping.name,
        "table": mapping.sql.table_name,
        "bitable": mapping.lark.label,
        "conn_id": mapping.sql.conn_id,
        "direction": mapping.direction,
    }


def _find(files: MappingFiles, name: str) -> TableMapping:
    found = files.read().mappings.get(name)
    if found is None:
        raise HTTPException(404, "no mapping of that name is in the files of [lark] mapping_files")
    return found


def _may_read(files: MappingFiles, name: str, who: Visitor) -> bool:
    conn_id = _find(files, name).sql.conn_id
    return conn_id is not None and who.may_read(conn_id)


def _read(
    files: MappingFiles, databases: Databases, name: str, look: Callable[[Ledger], dict[str, Any]]
) -> dict[str, Any]:
    with databases.reading(_find(files, name)) as ledger:
        return look(ledger)


async def _refuse(request: Request, exc: Exception) -> Response:
    status = 409 if isinstance(exc, ChangedSince) else 422
    if isinstance(exc, RetriableError | SQLAlchemyError):
        status = 503
    return JSONResponse(describe(exc), status)


async def _refuse_plainly(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, StarletteHTTPException)  # noqa: S101 - it is registered for these
    kind = _KINDS.get(exc.status_code, "refused")
    return JSONResponse({"kind": kind, "message": str(exc.detail)}, exc.status_code)


async def _refuse_shape(request: Request, exc: Exception) -> Response:
    return JSONResponse({"kind": "bad_request", "message": "the page and this version of the provider differ"}, 400)


async def _add_headers(request: Request, call_next: Callable[[Request], Any]) -> Response:
    answer: Response = await call_next(request)
    answer.headers.update(HEADERS)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
