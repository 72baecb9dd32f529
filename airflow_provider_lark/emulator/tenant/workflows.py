"""Automations of a base as they are held (lark-api §4.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

Step = dict[str, Any]
How = Literal["edit", "pasteUpdate", "automationBatchUpdate", "syncUpdate", "appendImport", "api"]
"""How records were changed: typed by a person, by one of the ways that a trigger has to name, or by the API."""

CONTROLS: Final = frozenset({"pasteUpdate", "automationBatchUpdate", "syncUpdate", "appendImport"})
"""Changes that start a ``ChangeRecordTrigger`` only where its ``trigger_control_list`` names them."""


@dataclass
class Workflow:
    """One automation.

    :param steps: as they were given.
    :param table_ids: the tables that ``table_name`` of each step named when it was saved.
    """

    workflow_id: str
    title: str
    steps: list[Step]
    table_ids: dict[str, str]
    creator_id: str
    updater_id: str
    created: int
    updated: int
    is_enabled: bool = False
    client_token: str = field(default="", repr=False)

    @property
    def status(self) -> str:
        """``enabled`` or ``disabled``."""
        return "enabled" if self.is_enabled else "disabled"

    @property
    def trigger(self) -> Step | None:
        """The step that starts it: the one that no other leads to."""
        led_to = {each.get("next") for each in self.steps}
        return next((each for each in self.steps if each["id"] not in led_to), None)

    def after(self, step: Step) -> Step | None:
        """The step that follows; None at the end."""
        return next((each for each in self.steps if each["id"] == step.get("next")), None)
