"""What was stored as JSON, read back: a later version may have stored more than this one knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow_provider_lark.core.errors import SchemaMismatch


def members_of(cls: type[Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a dataclass *cls* as they were stored; those that an earlier version lacked have defaults.

    :raises SchemaMismatch: there are more. They must not be passed over: one may say who may answer.
    """
    if unknown := sorted(set(plain) - {each.name for each in fields(cls)}):
        raise SchemaMismatch(
            f"a question was stored by a later version of airflow-provider-lark, with {', '.join(unknown)}; upgrade "
            "this process as well"
        )
    return dict(plain)
