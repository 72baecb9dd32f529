"""What a notifier's templates say: a name that is not there costs that template, never the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_lark.notifications.context import derived_names

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_provider_lark.notifications.base import OccasionNotifier


def render_fields(notifier: OccasionNotifier, context: Mapping[str, Any]) -> list[str]:
    """Render the notifier's template fields in place, and return those that could not be; they become None.

    What a value holds mentions nobody: only the template itself can.
    """
    import jinja2

    from airflow_provider_lark.core.cards.text import break_mentions

    known = cast("Context", {**context, **derived_names(context)})
    dag = context.get("dag")
    env = notifier.get_template_env(dag=dag if hasattr(dag, "get_template_env") else None)
    env = env.overlay(
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: break_mentions(value) if isinstance(value, str) else value,
    )
    lost = []
    for name, template in notifier.templates.items():
        try:
            setattr(notifier, name, notifier.render_template(template, known, env))
        except Exception as exc:  # noqa: BLE001 - a template can raise anything, and a message is still due
            what = str(exc) if isinstance(exc, jinja2.TemplateError) else type(exc).__name__
            notifier.log.warning("%s: the template of %s cannot be rendered: %s", type(notifier).__name__, name, what)
            setattr(notifier, name, None)
            lost.append(name)
    return lost
