"""One request through fault script, gate, limits, locks and route to its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.faults import Fault, Faults
from airflow_provider_lark.emulator.idempotency import ClientTokens
from airflow_provider_lark.emulator.journal import Journal, LogEntry
from airflow_provider_lark.emulator.limits import RateLimits, limited
from airflow_provider_lark.emulator.routes import (
    apps,
    events,
    fields,
    gate,
    media,
    messages,
    oauth,
    old_records,
    records,
    tenant,
    tokens,
    wiki,
)
from airflow_provider_lark.emulator.routes.router import Route, Router
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Answer, Cut, Outcome, Request, failure, success

ROUTES = (
    *tokens.ROUTES,
    *oauth.ROUTES,
    *apps.ROUTES,
    *fields.ROUTES,
    *records.ROUTES,
    *old_records.ROUTES,
    *media.ROUTES,
    *tenant.ROUTES,
    *wiki.ROUTES,
    *events.ROUTES,
    *messages.ROUTES,
)
_DONE_FIRST = frozenset({"error_after", "drop_after", "timeout_after", "bad_json"})


class Dispatch:
    """Answers requests against one state."""

    def __init__(self, state: State, clock: Clock, faults: Faults, journal: Journal) -> None:
        self.state = state
        self.faults = faults
        self.journal = journal
        self.limits = RateLimits(clock)
        self.client_tokens = ClientTokens(clock, state.switches)
        self._clock = clock
        self._router = Router(ROUTES)
        self._holders: set[tuple[str, str]] = set()
        self._holders_lock = threading.Lock()

    def answer(self, request: Request) -> Answer | Cut:
        """What the caller gets."""
        log_id = self.state.ids.log(self._clock.now())
        route, fault = None, None
        result: Answer | Cut
        try:
            route, request.params = self._router.find(request.method, request.path)
            fault = self.faults.strike(route.target, request.body, self._app_id(request))
            result = self._run(route, request, fault)
        except ApiError as error:
            result = failure(error, log_id, route.family if route is not None else "record")
        if isinstance(result, Answer):
            result.headers.setdefault("X-Tt-Logid", log_id)
            result.headers.setdefault("X-Request-Id", log_id)
        self._note(request, route, result, fault, log_id)
        return result

    def _app_id(self, request: Request) -> str:
        header = request.headers.get("authorization", "")
        return self.state.tokens.app_of(header.removeprefix("Bearer ")) or ""

    def _note(
        self, request: Request, route: Route | None, result: Answer | Cut, fault: Fault | None, log_id: str
    ) -> None:
        answered = isinstance(result, Answer)
        self.journal.add(
            LogEntry(
                at_ms=self.state.now_ms,
                method=request.method,
                template=route.template if route is not None else request.path,
                path=request.path,
                status=result.status if isinstance(result, Answer) else 0,
                code=result.code if isinstance(result, Answer) else 0,
                n_records=request.records if answered or fault is not None else 0,
                app_id=request.app.app_id if request.app is not None else "",
                fault=fault.action if fault is not None else "",
                log_id=log_id,
            )
        )

    def _run(self, route: Route, request: Request, fault: Fault | None) -> Answer | Cut:
        if fault is None:
            return success(self._perform(route, request))
        match fault.action:
            case "drop_before":
                return Cut()
            case "timeout_before":
                return Cut(hold=True)
            case "error":
                raise self._scripted(fault)
            case "delay":
                self._clock.sleep(fault.delay_seconds)
            case "expire_tokens":
                with self.state.lock:
                    self.state.tokens.expire_all()
            case _:
                pass
        data = self._perform(route, request)
        if fault.action in _DONE_FIRST:
            return self._spoil(fault, data)
        return success(_mangled(fault, data, request))

    def _spoil(self, fault: Fault, data: Outcome) -> Answer | Cut:
        """The request was carried out, but its caller does not learn so."""
        match fault.action:
            case "drop_after":
                return Cut()
            case "timeout_after":
                return Cut(hold=True)
            case "bad_json":
                whole = success(data)
                return Answer(fault.status or 200, whole.body[: len(whole.body) // 2], dict(fault.headers))
            case _:
                raise self._scripted(fault)

    def _scripted(self, fault: Fault) -> ApiError:
        if fault.code == 99991400:
            status = fault.status or self.state.switches.limited_status
            return limited(50, fault.reset_seconds, status)
        code = fault.code if fault.code is not None else 2200
        return ApiError(code, "scripted fault", status=fault.status, msg=fault.msg, headers=fault.headers)

    def _perform(self, route: Route, request: Request) -> Outcome:
        switches = self.state.switches
        if route.needs_token:
            gate.authenticate(self.state, route, request)
            if switches.rate_limits:
                self.limits.take(route.target, request.tenant_app, route.rates, status=switches.limited_status)
            gate.check_scopes(route, request)
            gate.check_user_ids(request)
        if route.members is not None and route.needs_token:
            request.json()
        gate.check_parameters(self.state, route, request)
        token = request.query.get("client_token") if "client_token" in route.query else None
        if not token:
            return self._hold_and_do(route, request)
        query = {name: value for name, value in request.query.items() if name != "client_token"}
        asked = (request.method, request.path, query, request.json())
        data: dict[str, Any] = self.client_tokens.run(
            request.caller.app_id, token, asked, lambda: self._hold_and_do(route, request)
        )
        return data

    def _hold_and_do(self, route: Route, request: Request) -> Outcome:
        if route.holds == "nothing":
            with self.state.lock:
                return route.handler(self.state, request)
        with self._alone(route, request):
            if self.state.switches.write_seconds > 0:
                self._clock.sleep(self.state.switches.write_seconds)
            with self.state.lock:
                return route.handler(self.state, request)

    def _alone(self, route: Route, request: Request) -> AbstractContextManager[None]:
        if route.holds == "uploads":
            return self.holding_uploads(request.caller.app_id)
        return self.holding(request.params["app_token"], request.params["table_id"])

    def clear(self) -> None:
        """Forget client tokens and rate buckets."""
        self.client_tokens.clear()
        self.limits.clear()

    def holding(self, app_token: str, table_id: str) -> AbstractContextManager[None]:
        """Hold a table as a running write does: others get 1254291 meanwhile (§2.8)."""
        place = "" if self.state.switches.lock_whole_base else table_id
        return self._holding((app_token, place), ApiError(1254291, "another write on this table is running"))

    def holding_uploads(self, app_id: str) -> AbstractContextManager[None]:
        """Hold an app's uploads as a running one does: others get 1061045 meanwhile (§7.4)."""
        return self._holding((app_id, "uploads"), ApiError(1061045, "another upload of the app is running"))

    @contextmanager
    def _holding(self, key: tuple[str, str], busy: ApiError) -> Iterator[None]:
        with self._holders_lock:
            if key in self._holders:
                raise busy
            self._holders.add(key)
        try:
            yield
        finally:
            with self._holders_lock:
                self._holders.discard(key)


def _mangled(fault: Fault, data: Outcome, request: Request) -> Outcome:
    """A success that is not quite true; only for paged reads."""
    if not isinstance(data, dict) or "items" not in data:
        return data
    match fault.action:
        case "repeat_page_token":
            # the first page's token is handed out again and again (§2.4)
            token = request.query.get("page_token")
            return {**data, "has_more": True, "page_token": token} if token else data
        case "empty_page_token":
            return {**data, "has_more": True, "page_token": ""}
        case "empty":
            return {"items": [], "has_more": False, "total": 0}
        case "short":
            # pages end early although total says otherwise
            return {**data, "items": data["items"][: len(data["items"]) // 2], "has_more": False}
        case _:
            return data
