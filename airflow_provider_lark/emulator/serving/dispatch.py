"""One request through fault script, gate, limits, locks and route to its answer."""

from __future__ import annotations

import traceback
from contextlib import AbstractContextManager
from typing import Any

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.faults import Fault, Faults
from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.limits import RateLimits, limited
from airflow_provider_lark.emulator.routes import (
    applications,
    apps,
    events,
    fields,
    gate,
    hooks,
    long_connection,
    matrix_records,
    media,
    oauth,
    old_records,
    record_history,
    record_writes,
    records,
    tenant,
    tokens,
    wiki,
    workflows,
)
from airflow_provider_lark.emulator.routes.approval import definitions, instances
from airflow_provider_lark.emulator.routes.im import (
    batch,
    chats,
    forwarding,
    history,
    members,
    messages,
    reactions,
    resources,
    urgent,
)
from airflow_provider_lark.emulator.routes.router import Route, Router
from airflow_provider_lark.emulator.serving.idempotency import ClientTokens
from airflow_provider_lark.emulator.serving.journal import Journal, LogEntry
from airflow_provider_lark.emulator.serving.locks import Locks
from airflow_provider_lark.emulator.serving.poison import in_answer, in_request
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Answer, Cut, Outcome, Request, failure, success

ROUTES = (
    *tokens.ROUTES,
    *oauth.ROUTES,
    *apps.ROUTES,
    *fields.ROUTES,
    *records.ROUTES,
    *record_writes.ROUTES,
    *old_records.ROUTES,
    *matrix_records.ROUTES,
    *media.ROUTES,
    *tenant.ROUTES,
    *wiki.ROUTES,
    *applications.ROUTES,
    *events.ROUTES,
    *workflows.ROUTES,
    *record_history.ROUTES,
    *long_connection.ROUTES,
    *messages.ROUTES,
    *hooks.ROUTES,
    *history.ROUTES,
    *forwarding.ROUTES,
    *reactions.ROUTES,
    *urgent.ROUTES,
    *resources.ROUTES,
    *batch.ROUTES,
    *chats.ROUTES,
    *members.ROUTES,
    *definitions.ROUTES,
    *instances.ROUTES,
)
_NO_DATA: dict[str, dict[str, Any]] = {"no_data": {}, "null_data": {"data": None}, "empty_data": {"data": {}}}
_DONE_FIRST = frozenset({"error_after", "drop_after", "timeout_after", "bad_json", *_NO_DATA})


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
        self.locks = Locks(clock, state.switches)

    def answer(self, request: Request) -> Answer | Cut:
        """What the caller gets."""
        log_id = self.state.ids.log(self._clock.now())
        route, fault = None, None
        result: Answer | Cut
        try:
            route, request.params = self._router.find(request.method, request.path)
            fault = self._strike(route, request)
            result = self._run(route, request, fault)
        except ApiError as error:
            result = failure(error, log_id, route.family if route is not None else "record")
        except Exception:  # noqa: BLE001 - a mistake of the emulator is an answer too, and told to whoever runs it
            traceback.print_exc()
            result = failure(ApiError(2200, "the emulator failed: see its output"), log_id)
        if isinstance(result, Answer):
            _name(result, log_id)
        self._note(request, route, result, fault, log_id)
        return result

    def refuse(self, error: ApiError) -> Answer:
        """The answer to what is no request, and so has no route and stands in no log."""
        log_id = self.state.ids.log(self._clock.now())
        answer = failure(error, log_id)
        _name(answer, log_id)
        return answer

    def _strike(self, route: Route, request: Request) -> Fault | None:
        asked = (route.target, request.body, self._app_id(request))

        def touches(wanted: str) -> bool:
            return in_request(self.state, request, wanted)

        request.near_misses = self.faults.near_misses(*asked, touches)
        fault = self.faults.strike(*asked, touches)
        if fault is not None and fault.action == "stale":
            request.stale = fault.record or ""
        return fault

    def _strike_page(self, route: Route, request: Request, data: Outcome) -> Fault | None:
        """What was read may hold a poisoned record; a write is struck before it is done."""
        if route.holds != "nothing":
            return None
        asked = (route.target, request.body, self._app_id(request))
        return self.faults.strike_page(*asked, lambda wanted: in_answer(data, wanted))

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
                fault="+".join(each.action for each in [*([fault] if fault else []), *request.near_misses]),
                log_id=log_id,
            )
        )

    def _run(self, route: Route, request: Request, fault: Fault | None) -> Answer | Cut:
        if fault is None:
            data = self._perform(route, request)
            met = self._strike_page(route, request, data)
            return success(data) if met is None else self._spoil(met, data)
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
            case "no_data" | "null_data" | "empty_data":
                return Answer(200, dump({"code": 0, "msg": "success", **_NO_DATA[fault.action]}))
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
        if route.method == "PUT" and "record_id" in request.params and not switches.token_on_single_update:
            token = None
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
            return self.locks.holding_uploads(request.caller.app_id)
        if route.holds == "base":
            return self.locks.holding_schema(request.params["app_token"])
        return self.locks.holding(request.params["app_token"], request.params["table_id"])

    def clear(self) -> None:
        """Forget client tokens, rate buckets and locks for a time."""
        self.client_tokens.clear()
        self.limits.clear()
        self.locks.clear()


def _name(answer: Answer, log_id: str) -> None:
    answer.headers.setdefault("X-Tt-Logid", log_id)
    answer.headers.setdefault("X-Request-Id", log_id)


def _mangled(fault: Fault, data: Outcome, request: Request) -> Outcome:
    """A success that is not quite true; only for paged reads."""
    if not isinstance(data, dict) or "items" not in data:
        return data
    match fault.action:
        case "repeat_page_token":
            # the first page's token is handed out again and again (lark-api §2.4)
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
