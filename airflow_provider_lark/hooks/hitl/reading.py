"""What a task asks people, read from its context while its notifiers are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from airflow_provider_lark.core.cards.text import reachable_url
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hitl.request import Person, Place, Request

_REVIEW = ("Approve", "Reject")
"""What an operator of the common.ai provider asks with ``require_approval=True``, and does not name."""
_REVIEW_DEFAULTS: Mapping[str, tuple[str, ...]] = {"approve": ("Approve",), "reject": ("Reject",)}


def read_request(context: Mapping[str, Any], people: Mapping[str, str], *, now_ms: int) -> Request:
    """Return what the task of *context* asks; who gets it is for the caller to add.

    Understood are ``HITLOperator`` with what inherits from it, and the operators of common.ai that ask for approval,
    which have neither options nor parameters of their own for that.

    :param people: users of Airflow, by id or name, as ids, e-mail addresses or mobile numbers of Lark.
    :raises ConfigError: the task asks nothing.
    """
    task, ti = context["task"], context["ti"]
    read = _of_hitl if hasattr(task, "options") else _of_review if hasattr(task, "approval_timeout") else None
    if read is None:
        raise ConfigError(
            f"task {ti.task_id!r} asks nothing; this notifier is for the notifiers of a HITLOperator, or the "
            "approval_notifiers of an LLMOperator"
        )
    asked = read(task)
    timeout, users = asked.pop("timeout"), asked.pop("users")
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else None
    place = Place(ti.dag_id, ti.run_id, ti.task_id, _number(getattr(ti, "map_index", None)), ti.try_number)
    rejects = getattr(task, "REJECT", None)
    return Request(
        place,
        str(task.subject),
        str(task.body or ""),
        **asked,
        rejecting=tuple(each for each in asked["options"] if each == rejects),
        assigned=tuple(_person(each, people) for each in users),
        seconds=seconds,
        deadline_ms=None if seconds is None else now_ms + round(seconds * 1000),
        link=reachable_url(_page(task, ti)) or "",
    )


def _of_hitl(task: Any) -> dict[str, Any]:
    return {
        "options": tuple(map(str, task.options)),
        "defaults": tuple(map(str, task.defaults or ())),
        "multiple": bool(task.multiple),
        "params": {name: _plain(param) for name, param in task.serialized_params.items()},
        "users": _list(task.assigned_users),
        "timeout": task.response_timeout,
    }


def _of_review(task: Any) -> dict[str, Any]:
    return {
        "options": _REVIEW,
        "defaults": _REVIEW_DEFAULTS.get(str(getattr(task, "on_approval_timeout", "")), ()),
        # left out, what was generated stays as it is
        "is_editable": bool(getattr(task, "allow_modifications", False)),
        "users": _list(getattr(task, "approval_assigned_users", None)),
        "timeout": task.approval_timeout,
    }


def _plain(param: Any) -> dict[str, Any]:
    """Return a Param as JSON; an invalid default counts as missing."""
    given = param if isinstance(param, Mapping) else {"value": param, "schema": {}}
    try:
        value = json.loads(json.dumps(given.get("value")))
    except (TypeError, ValueError):
        value = None
    schema = given.get("schema")
    return {"value": value, "description": given.get("description"), "schema": dict(schema or {})}


def _list(given: Any) -> Sequence[Any]:
    return () if given is None else [given] if isinstance(given, Mapping) else list(given)


def _person(user: Mapping[str, Any], people: Mapping[str, str]) -> Person:
    id_, name = str(user["id"]), str(user.get("name") or "")
    known = people.get(id_) or people.get(name)
    # where nothing is said, an address is an address
    return Person(id_, name, str(known) if known else next((each for each in (id_, name) if "@" in each), ""))


def _number(map_index: Any) -> int:
    return map_index if isinstance(map_index, int) else -1


def _page(task: Any, ti: Any) -> str | None:
    """Return the page in Airflow where the task can be answered."""
    from airflow.sdk.configuration import conf

    make = getattr(task, "generate_link_to_ui", None)
    if make is not None:
        try:
            return str(make(task_instance=ti))
        except ValueError:
            # Airflow does not know its own address
            return None
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    if not base:
        return None
    dag, run, name = (quote(str(each), safe=":+") for each in (ti.dag_id, ti.run_id, ti.task_id))
    query = urlencode({"map_index": _number(getattr(ti, "map_index", None))})
    return f"{base}/dags/{dag}/runs/{run}/tasks/{name}/required_actions?{query}"
