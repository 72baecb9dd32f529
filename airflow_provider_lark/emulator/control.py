"""``/_emulator/…``: what the in-process handle does, over HTTP, for callers in other processes. No token needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from inspect import signature
from typing import Any, Final

from airflow_provider_lark.emulator.clock import ManualClock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_json
from airflow_provider_lark.emulator.handle import Handle
from airflow_provider_lark.emulator.page.site import answer_page
from airflow_provider_lark.emulator.page.tables import list_bases
from airflow_provider_lark.emulator.page.views import Views
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged
from airflow_provider_lark.emulator.wire import Answer, Request

PREFIX: Final = "/_emulator/"
PERSON_ACTIONS: Final = frozenset(
    {
        *("add_record", "add_records", "edit_record", "delete_record", "delete_records", "set_computed"),
        *("add_field", "rename_field", "set_options", "delete_field", "change_type", "rename_table"),
        *("records", "fields", "set_workflow", "delete_workflow"),
    }
)
STATE_ACTIONS: Final = frozenset(
    {
        *(
            "add_app",
            "add_user",
            "add_chat",
            "add_department",
            "add_user_group",
            "add_file",
            "add_wiki_node",
            "add_wiki_shortcut",
            "create_base",
            "create_table",
        ),
        *(
            "set_app",
            "set_event_url",
            "set_callback_url",
            "set_long_connection",
            "push_ticket",
            "resign",
            "revoke_consent",
            "set_chat_member",
        ),
        *("add_webhook", "set_webhook", "remove_webhook"),
        *("set_chat", "stop_bot", "write_message", "read_message", "add_sticker", "add_card_template"),
        *("grant", "revoke", "set_advanced", "hide_records", "show_records"),
    }
)


class Control:
    """Answers control requests: ``{"result": …}`` with 200, or ``{"error": "…"}`` with 400 or 404."""

    def __init__(self, emulator: Handle) -> None:
        self._emulator = emulator
        self._actions: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "health"): lambda _: {"status": "ok", "url": emulator.url},
            ("POST", "reset"): lambda _: emulator.reset(),
            ("GET", "log"): lambda given: emulator.journal.to_list(int(given.get("since", 0))),
            ("DELETE", "log"): lambda _: emulator.journal.clear(),
            ("GET", "counters"): lambda _: emulator.counters(),
            ("GET", "faults"): lambda _: emulator.faults.to_list(),
            ("POST", "faults"): lambda given: asdict(emulator.faults.add(**given)),
            ("DELETE", "faults"): lambda _: emulator.faults.clear(),
            ("GET", "switches"): lambda _: asdict(emulator.switches),
            ("POST", "switches"): self._set_switches,
            ("POST", "clock"): self._advance,
            ("POST", "expire_tokens"): lambda _: emulator.expire_tokens(),
            ("POST", "lock_base"): _call(emulator.lock_base),
            ("GET", "bases"): lambda _: list_bases(emulator.state),
            ("GET", "messages"): lambda _: [asdict(each) for each in emulator.messages],
            ("POST", "click"): _call(emulator.clicks.press),
            ("POST", "forward"): _call(emulator.clicks.forward),
            ("GET", "events"): lambda _: [each.to_dict() for each in emulator.events.log()],
            ("DELETE", "events"): lambda _: emulator.events.clear(),
            ("GET", "automations"): lambda _: [each.to_dict() for each in emulator.automations.log()],
            ("DELETE", "automations"): lambda _: emulator.automations.clear(),
            ("POST", "automations/settle"): _call(emulator.automations.settle),
            ("POST", "approvals/press"): _call(emulator.decisions.press),
            ("GET", "approvals/presses"): lambda _: [each.to_dict() for each in emulator.decisions.log()],
            ("GET", "sockets"): lambda _: emulator.sockets.status(),
            ("POST", "sockets/faults"): lambda given: emulator.sockets.set_faults(**given),
            ("POST", "sockets/drop"): lambda _: emulator.sockets.drop(),
            ("POST", "sockets/silence"): lambda _: emulator.sockets.silence(),
            ("POST", "sockets/send_config"): lambda _: emulator.sockets.send_config(),
            ("POST", "events/settle"): lambda given: emulator.events.settle(float(given.get("timeout_seconds", 10))),
        }
        for name in PERSON_ACTIONS:
            self._actions["POST", f"person/{name}"] = _call(getattr(emulator.person, name))
        for name in STATE_ACTIONS:
            self._actions["POST", f"state/{name}"] = _call(getattr(emulator.state, name))
        for name, view in Views(emulator).by_name().items():
            self._actions["GET", f"view/{name}"] = _call(view)
        for short, name in _SHORT.items():
            self._actions["POST", short] = self._actions["POST", f"state/{name}"]

    def answer(self, request: Request) -> Answer:
        """Run a control action, or give a browser what it asks of the page."""
        shown = answer_page(self._emulator.state, request)
        if shown is not None:
            return shown
        name = request.path.removeprefix(PREFIX)
        action = self._actions.get((request.method, name))
        if action is None:
            known = sorted(f"{method} {PREFIX}{each}" for method, each in self._actions)
            return Answer(404, dump({"error": f"no control route {request.method} {request.path}", "known": known}))
        try:
            given: dict[str, Any] = dict(request.query)
            given.update(parse_json(request.body) if request.body else {})
            result = action(given)
        except ApiError as error:
            return Answer(400, dump({"error": error.detail or error.msg, "code": error.code}))
        except KeyError as error:
            return Answer(400, dump({"error": f"unknown {error}"}))
        except (LookupError, TypeError, ValueError, Unacknowledged, TimeoutError) as error:
            return Answer(400, dump({"error": str(error)}))
        return Answer(200, dump({"result": _plain(result)}))

    def _set_switches(self, given: dict[str, Any]) -> dict[str, Any]:
        self._emulator.switches.update(given)
        return asdict(self._emulator.switches)

    def _advance(self, given: dict[str, Any]) -> float:
        clock = self._emulator.clock
        if not isinstance(clock, ManualClock):
            msg = "the emulator uses the system clock: start it with --manual-clock to set the time"
            raise TypeError(msg)
        clock.advance(float(given["advance_seconds"]))
        return clock.now()


_SHORT: Final = {
    "apps": "add_app",
    "users": "add_user",
    "departments": "add_department",
    "user_groups": "add_user_group",
    "bases": "create_base",
    "tables": "create_table",
    "files": "add_file",
    "chats": "add_chat",
    "webhooks": "add_webhook",
    "wiki_nodes": "add_wiki_node",
    "wiki_shortcuts": "add_wiki_shortcut",
}


def _call(method: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    known = signature(method)

    def action(given: dict[str, Any]) -> Any:
        # binding first turns a wrong parameter into a message that names it
        bound = known.bind(**given)
        return method(*bound.args, **bound.kwargs)

    return action


def _plain(result: Any) -> Any:
    """Handles as JSON: ids and names, never secrets or whole tables."""
    if is_dataclass(result) and not isinstance(result, type):
        return {name: getattr(result, name) for name in _SHOWN if hasattr(result, name)}
    if isinstance(result, Mapping):
        return dict(result)
    return result


_SHOWN: Final = (
    "app_id",
    "app_token",
    "table_id",
    "open_id",
    "union_id",
    "user_id",
    "name",
    "email",
    "mobile",
    "url",
    "hook_id",
    "chat_id",
)
