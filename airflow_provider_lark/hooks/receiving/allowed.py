"""Who may answer on a card or in the approval centre, as parameters name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, NotFound
from airflow_provider_lark.hooks.parameters import read_list

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.hooks.lark import LarkHook


GROUP = "group:"
"""With this begins the name of a user group: its bare id looks like a user_id."""


def refuse_nobody(given: Any, where: str) -> None:
    """Refuse, where a DAG is written, a list that would let nobody answer.

    :raises ValueError: the list is empty.
    """
    if given in ([], ()):
        raise ValueError(f"{where}: an empty list allows nobody; leave it out to allow everybody who sees the card")


def read_allowed(given: Any, where: str) -> list[str] | None:
    """Return the names of those who may answer, after templates are rendered; None: everybody who sees the card.

    :raises ConfigError: a template gave nothing, which must not let everybody answer; or it is no list.
    """
    names = read_list(given, where)
    if names is None and given is not None:
        raise ConfigError(f"{where}: is empty; leave it out to allow everybody who sees the card")
    return None if names is None else [str(each) for each in names]


def find_allowed(hook: LarkHook, client: LarkClient, given: Sequence[str], where: str) -> dict[str, str]:
    """Return who may answer: ids, and what they are called.

    :param given: ids, e-mail addresses and mobile numbers of people; a chat (``oc_…``) stands for those who are in it
        now, a department (``od-…``) for those who are now in it or in one below it, and a user group
        (``group:g128187``) for the people and the departments that are in it now.
    :raises NotFound: nobody has an address or number.
    :raises ConfigError: something names nobody.
    """
    from airflow_provider_lark.core.api.services.messaging.mentions import is_contact

    allowed: dict[str, str] = {}
    contacts = [each for each in given if is_contact(each)]
    known = hook.user_directory(client).find_contacts(contacts) if contacts else {}
    for each in given:
        if is_contact(each):
            if not (open_id := known.get(each)):
                raise NotFound(f"{where}: nobody has {each}, or the person is outside the app's contact range")
            allowed[open_id] = each
        elif each.startswith("oc_"):
            pages = client.chats.member_pages(chat_id=each)
            allowed |= {member.member_id: member.name for page in pages for member in page.items}
        elif each.startswith("od-"):
            allowed |= _people_of(client, each)
        elif each.startswith(GROUP):
            allowed |= _members_of(client, each.removeprefix(GROUP).strip())
        else:
            allowed[each] = ""
    if not allowed:
        raise ConfigError(f"{where}: {', '.join(given)} has nobody in it who could answer")
    return allowed


def _members_of(client: LarkClient, group_id: str) -> dict[str, str]:
    pages = client.contact.group_pages(group_id=group_id)
    found = {open_id: "" for page in pages for open_id in page.items}
    for page in client.contact.group_pages(group_id=group_id, member_type="department"):
        for department_id in page.items:
            found |= _people_of(client, department_id)
    return found


def _people_of(client: LarkClient, department_id: str) -> dict[str, str]:
    below = client.contact.subdepartment_pages(department_id=department_id)
    ids = [department_id, *(each.department_id for page in below for each in page.items)]
    return {
        person.open_id: person.name
        for id_ in ids
        for page in client.contact.department_pages(department_id=id_)
        for person in page.items
    }
