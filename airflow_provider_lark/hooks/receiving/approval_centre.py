"""A task's question in the approval centre: who may decide there, and where decisions go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.receiving.api_server import address_of, read_receiver_url
from airflow_provider_lark.hooks.receiving.inbox import approval_secrets

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.client import LarkClient
    from airflow_provider_lark.core.api.services.approval import DecisionCallback
    from airflow_provider_lark.core.questions.centre_terms import Approver
    from airflow_provider_lark.hooks.lark import LarkHook


def callback_of(hook: LarkHook, receiver_url: str | None) -> DecisionCallback:
    """Return where the centre tells decisions.

    :param receiver_url: below which the receiver answers, without the connection; default: ``[lark] receiver_url``.
    :raises ConfigError: neither is given.
    """
    from airflow_provider_lark.core.api.services.approval import DecisionCallback

    base = read_receiver_url(receiver_url)
    if not base:
        raise ConfigError(
            "receiver_url: is empty, so the approval centre could not tell what people decide; set [lark] receiver_url "
            "to the address at which Lark reaches the receiver, such as https://airflow.example.com/lark"
        )
    secrets = approval_secrets(hook)
    return DecisionCallback(address_of(base, hook.lark_conn_id, "approval"), secrets.token, secrets.key)


def find_approvers(hook: LarkHook, client: LarkClient, allowed: Mapping[str, str]) -> tuple[Approver, ...]:
    """Return people with the ids by which callbacks name them, each once.

    :param allowed: as :func:`.find_allowed` returns it; one call for each.
    :raises NotFound: Lark knows nobody of an id.
    :raises ConfigError: Lark does not show user_ids to the app.
    """
    from airflow_provider_lark.core.questions.centre_terms import Approver

    found: dict[str, Approver] = {}
    for id_, name in allowed.items():
        kind: Any = {"ou_": "open_id", "on_": "union_id"}.get(id_[:3], "user_id")
        user = client.contact.get_user(user_id=id_, user_id_type=kind)
        if not user.user_id:
            raise ConfigError(
                f"connection {hook.lark_conn_id!r}: Lark does not tell the user_id of {user.name or id_}, by which "
                "the approval centre names who decided; add the scope contact:user.employee_id:readonly to the app "
                "and release a new version"
            )
        found.setdefault(user.user_id, Approver(user.open_id, user.user_id, user.name or name))
    return tuple(found.values())
