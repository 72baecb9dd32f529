"""The approval centre: what is pushed to it, what of that it takes, and what it answers about it (lark-api §13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.tenant.approvals import Approval, Copy, Instance, Task, Texts

_KEPT_OF_INSTANCE: Final = frozenset({"approval_code", "instance_id", "department_id", "department_name"})
_KEPT_OF_TASK: Final = frozenset({"task_id", "user_id", "open_id", "create_time", "node_id", "node_name"})
_KEPT_OF_COPY: Final = frozenset({"cc_id", "user_id", "open_id", "create_time"})
Part = TypeVar("Part", Task, Copy)


@dataclass(frozen=True)
class Push:
    """A pushed state, read and checked.

    :param texts: as they came with it.
    """

    app_id: str
    approval: Approval
    open_id: str
    data: dict[str, Any]
    texts: Texts
    tasks: list[Task]
    copies: list[Copy]
    is_replacing: bool


class Approvals:
    """Definitions and instances of all apps. Under the lock of the state."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._approvals: list[Approval] = []
        self._instances: dict[tuple[str, str], Instance] = {}
        self._groups: set[tuple[str, str]] = set()

    def find_approval(self, app_id: str, code: str) -> Approval | None:
        """The definition under the app's own code, or under the platform's."""
        own = (each for each in self._approvals if each.app_id == app_id)
        return next((each for each in own if code in (each.own_code, each.code)), None)

    def has_group(self, app_id: str, code: str) -> bool:
        """Whether a group of definitions was made."""
        return (app_id, code) in self._groups

    def define(self, app_id: str, data: dict[str, Any], texts: Texts) -> Approval:
        """Make a definition, or replace the one under its code."""
        code = data["approval_code"]
        if data.get("group_code"):
            self._groups.add((app_id, data["group_code"]))
        found = self.find_approval(app_id, code)
        if found is None:
            found = Approval(app_id, code, self._make_code(), data, texts)
            self._approvals.append(found)
        elif not data.get("group_code"):
            # an update without a group leaves it in its own
            kept: dict[str, Any] = {
                name: found.data[name] for name in ("group_code", "group_name") if name in found.data
            }
            data = {**kept, **data}
            texts = {**{key: found.texts[key] for key in kept.values() if key in found.texts}, **texts}
        found.data, found.texts, found.is_deleted = data, texts, False
        return found

    def _make_code(self) -> str:
        parts = (self._ids.noise(length).hex().upper() for length in (4, 2, 2, 2, 6))
        return "-".join(parts)

    def find(self, app_id: str, instance_id: str) -> Instance | None:
        """An instance."""
        return self._instances.get((app_id, instance_id))

    def all(self) -> list[Instance]:
        """All instances, in the order of their first push."""
        return list(self._instances.values())

    def push(self, given: Push) -> Instance:
        """Take a state: whole, or as far as it is later than what is there (§13.2)."""
        key = given.app_id, given.data["instance_id"]
        known = self._instances.get(key)
        if known is None:
            made = Instance(given.app_id, key[1], given.approval, given.open_id, given.data, given.texts)
            self._instances[key] = made
            _fill(made, given)
            made.is_shown = _has_no_id_twice(made, given)
            return made
        known.pushes += 1
        if given.is_replacing:
            known.data = {**given.data, "approval_code": known.data["approval_code"]}
            known.open_id, known.texts = given.open_id, given.texts
            known.tasks, known.copies = {}, {}
            _fill(known, given)
            known.is_shown = _has_no_id_twice(known, given)
            return known
        if int(given.data["update_time"]) > known.updated_ms:
            known.data = {**known.data, **_without(given.data, _KEPT_OF_INSTANCE)}
        known.texts = {**known.texts, **given.texts}
        for task in given.tasks:
            _merge(known.tasks, task.task_id, task, _KEPT_OF_TASK)
        for copy in given.copies:
            _merge(known.copies, copy.cc_id, copy, _KEPT_OF_COPY)
        known.is_shown = known.is_shown and _has_no_id_twice(known, given)
        return known

    def differences(self, app_id: str, instance_id: str, updated_ms: int, tasks: Mapping[str, int]) -> dict[str, Any]:
        """What differs from what is there; empty where nothing does (§13.3)."""
        known = self.find(app_id, instance_id)
        if known is None:
            return {"instance_id": instance_id, "update_time": "0", "tasks": []}
        there = {id_: known.tasks[id_].updated_ms if id_ in known.tasks else 0 for id_ in tasks}
        differ = [id_ for id_, at in tasks.items() if at != there[id_] or id_ not in known.tasks]
        if not differ and updated_ms == known.updated_ms:
            return {}
        told = [{"task_id": id_, "update_time": str(there[id_])} for id_ in differ]
        return {"instance_id": instance_id, "update_time": str(known.updated_ms), "tasks": told}


def _fill(instance: Instance, given: Push) -> None:
    instance.tasks = {each.task_id: each for each in given.tasks}
    instance.copies = {each.cc_id: each for each in given.copies}


def _has_no_id_twice(instance: Instance, given: Push) -> bool:
    pushed = [instance.instance_id, *(each.task_id for each in given.tasks), *(each.cc_id for each in given.copies)]
    there = [instance.instance_id, *instance.tasks, *instance.copies]
    return all(len(set(ids)) == len(ids) for ids in (pushed, there))


def _merge(parts: dict[str, Part], id_: str, given: Part, kept: frozenset[str]) -> None:
    known = parts.get(id_)
    if known is None:
        parts[id_] = given
    elif given.updated_ms > known.updated_ms:
        known.data = {**known.data, **_without(given.data, kept)}


def _without(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in frozenset(names)}
