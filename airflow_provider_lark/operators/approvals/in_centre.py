"""How an approval is asked in Lark's approval centre (审批 → 待办)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_flag, read_json, read_text, read_values

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.questions.terms import Terms
    from airflow_provider_lark.hooks.lark import LarkHook

_NAME = {"zh-CN": "Airflow 审批", "en-US": "Airflow approval"}
_MEMBERS = frozenset({"code", "name", "requester", "entries", "receiver_url"})


@dataclass(frozen=True, slots=True)
class InCentre:
    """The parameter *centre*, read.

    :param code: of the definition, which is made or replaced; one for each kind of approval.
    :param name: what the definition is called; a text, or one in each language.
    :param requester: who asks, as in *allowed*; default: "Airflow".
    :param entries: up to three names and values that the list shows.
    :param receiver_url: where Lark reaches the receiver; default: ``[lark] receiver_url``.
    """

    code: str = "airflow.approval"
    name: Any = None
    requester: str = ""
    entries: tuple[tuple[str, str], ...] = ()
    receiver_url: str | None = None

    def define(self, hook: LarkHook, client: LarkClient) -> None:
        """Make the definition, or tell it anew where decisions go.

        :raises ConfigError: nothing says where Lark reaches the receiver.
        """
        from airflow_provider_lark.core.api.services.approval import Definition
        from airflow_provider_lark.hooks.receiving.approval_centre import callback_of

        callback = callback_of(hook, self.receiver_url)
        client.approval.upsert_definition(Definition(self.code, self.name or _NAME, callback=callback))

    def add_to(self, terms: Terms, hook: LarkHook, client: LarkClient, *, title: str, link: str) -> Terms:
        """Return terms under which the question also stands in the approval centre.

        :raises ConfigError: the centre cannot ask that.
        """
        from airflow_provider_lark.core.questions.centre_terms import CentreTerms
        from airflow_provider_lark.hooks.receiving.allowed import find_allowed
        from airflow_provider_lark.hooks.receiving.approval_centre import find_approvers

        _check(terms)
        approvers = find_approvers(hook, client, terms.allowed or {})
        asker = find_allowed(hook, client, [self.requester], "centre: requester") if self.requester else {}
        centre = CentreTerms(self.code, title, link, approvers, entries=self.entries, requester=next(iter(asker), ""))
        return replace(terms, allowed={each.open_id: each.name for each in approvers}, centre=centre)


def read_centre(given: Any) -> InCentre | None:
    """Read the parameter *centre*: a switch, or its settings; None where it is off.

    :raises ConfigError: it is something else.
    """
    if not isinstance(given, Mapping) and not str(given or "").lstrip().startswith("{"):
        return InCentre() if read_flag(given, "centre") else None
    members = dict(read_values(read_json(given, "centre"), "centre") or {})
    if unknown := sorted(set(members) - _MEMBERS):
        raise ConfigError(f"centre: unknown member {unknown[0]!r}; known: {', '.join(sorted(_MEMBERS))}")
    entries = read_values(members.pop("entries", None), "centre: entries") or {}
    # as in other parameters, a text that a template leaves empty is none, and one of digits may come as a number
    texts = {name: read_text(members.pop(name, None)) for name in ("code", "requester", "receiver_url")}
    members |= {name: text for name, text in texts.items() if text is not None}
    return InCentre(**members, entries=tuple((str(name), str(value)) for name, value in entries.items()))


def _check(terms: Terms) -> None:
    from airflow_provider_lark.core.questions.centre_terms import REASON

    if terms.allowed is None:
        raise ConfigError("allowed: the approval centre asks people by name; say who may answer")
    rejections: Sequence[bool] = [each.is_rejection for each in terms.choices]
    if sorted(rejections) != [False, True]:
        raise ConfigError(
            "options: the approval centre has two buttons; give one option that approves and one in rejecting"
        )
    others = [each.name for each in terms.fields if each.is_required or each.is_required_to_reject]
    if any(each != REASON for each in others):
        raise ConfigError(
            f"form: the approval centre asks only for a field named {REASON!r}; nothing else can be required there"
        )
