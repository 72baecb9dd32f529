"""Rendering a notifier's templates: an undefined name fails that template, never the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow_provider_lark.notifications.context import derived_names

_ADDRESSES = frozenset({"receive_id", "receive_id_type", "mentions", "lark_conn_id", "lark_webhook_conn_id"})
"""Parameters that are looked up and not shown: where the word ``alerts`` happens to be somebody's password, what is for
``data-alerts`` has to arrive all the same."""

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Templated(Protocol):
    """A notifier, as far as its templates go."""

    @property
    def log(self) -> Any:
        """Where to say what could not be rendered."""
        ...

    @property
    def templates(self) -> Mapping[str, Any]:
        """What it was given, by template field."""
        ...

    def get_template_env(self, dag: Any = None) -> Any:
        """Return Airflow's Jinja environment."""
        ...

    def render_template(self, content: Any, context: Context, jinja_env: Any = None) -> Any:
        """Render one template."""
        ...


def render_fields(notifier: Templated, context: Mapping[str, Any]) -> list[str]:
    """Render the notifier's template fields in place, and return those that could not be; they become None.

    What a value holds mentions nobody: only the template itself can. In what is shown secrets are masked.
    """
    import jinja2

    from airflow_provider_lark.core.errors import LarkError
    from airflow_provider_lark.hooks.card_files import is_card_file, render_card_file
    from airflow_provider_lark.hooks.parameters import CALL_FIELDS

    known = cast("Context", {**context, **derived_names(context)})
    dag = context.get("dag")
    env = notifier.get_template_env(dag=dag if hasattr(dag, "get_template_env") else None)
    env = env.overlay(undefined=jinja2.StrictUndefined, finalize=_defuse)
    lost = []
    plain = env.overlay(finalize=None)
    for name, template in notifier.templates.items():
        try:
            if name in CALL_FIELDS:
                # they are no words of a message: a proxy's password is needed as it is
                setattr(notifier, name, notifier.render_template(template, known, plain))
                continue
            value = notifier.render_template(template, known, env)
            if name == "card" and is_card_file(value):
                value = render_card_file(value, env, known)
            setattr(notifier, name, value if name in _ADDRESSES else _mask(value))
        except Exception as exc:  # noqa: BLE001 - a template can raise anything, and a message is still due
            what = str(exc) if isinstance(exc, jinja2.TemplateError | LarkError) else type(exc).__name__
            notifier.log.warning("%s: the template of %s cannot be rendered: %s", type(notifier).__name__, name, what)
            setattr(notifier, name, None)
            lost.append(name)
    return lost


def _defuse(value: Any) -> Any:
    from airflow_provider_lark.core.cards.text import break_mentions, clean_text
    from airflow_provider_lark.notifications.exceptions import cut_long

    # a real exception, which becomes its text; other values may be lists that a parameter wants
    return break_mentions(clean_text(cut_long(str(value)))) if isinstance(value, str | BaseException) else value


def _mask(value: Any) -> Any:
    """Mask secrets in texts, and not by the keys of a card, which has a ``token`` in every icon."""
    from airflow_provider_lark.notifications.exceptions import mask_text

    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: _mask(each) for key, each in value.items()}
    return [_mask(each) for each in value] if isinstance(value, list | tuple) else value
