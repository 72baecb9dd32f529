"""What ``[lark]`` of Airflow's configuration says of notifications for a whole installation."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast, get_args

from airflow.sdk.configuration import conf

log = logging.getLogger(__name__)

TellOf = Literal["task_failed", "task_retrying", "run_failed"]
Dedupe = Literal["run", "task"]
Locale = Literal["en_us", "zh_cn"]

DEFAULT_OCCASIONS = "task_failed, run_failed"
"""Not each try: a hiccup that the next try gets over rings nobody."""


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """What to tell of which DAGs and tasks, and how.

    :param allow: globs of DAG ids, or of DAG and task as ``orders.load``; empty: all.
    :param deny: the same; what they match is not told.
    """

    occasions: frozenset[str]
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    dedupe: Dedupe | None = "run"
    mention_owner: bool = True
    locale: Locale | None = None

    def includes(self, dag_id: str, task_id: str | None = None) -> bool:
        """Tell whether to speak of a DAG, or of one of its tasks."""
        names = [dag_id] if task_id is None else [dag_id, f"{dag_id}.{task_id}"]
        return (not self.allow or _matches(names, self.allow)) and not _matches(names, self.deny)


def read_settings() -> NotifySettings:
    """Return what is set; a wrong word is told in the log, and left out."""
    return NotifySettings(
        occasions=frozenset(_choices("notify_on", DEFAULT_OCCASIONS, get_args(TellOf))),
        allow=_words("notify_allow"),
        deny=_words("notify_deny"),
        dedupe=cast("Dedupe | None", _choice("notify_dedupe", "run", get_args(Dedupe))),
        mention_owner=_choice("notify_mention_owner", "true", ("true",)) is not None,
        locale=cast("Locale | None", _choice("notify_locale", "none", get_args(Locale))),
    )


def _matches(names: Collection[str], globs: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in names for glob in globs)


def _words(name: str, default: str = "") -> tuple[str, ...]:
    text: str = conf.get("lark", name, fallback=default) or ""
    return tuple(word for each in text.replace("\n", ",").split(",") if (word := each.strip()))


def _choices(name: str, default: str, allowed: Collection[str]) -> list[str]:
    found = [word.lower() for word in _words(name, default)]
    for word in found:
        if word not in allowed and word != "none":
            log.warning(
                "[lark] %s: ignoring unknown value %r; expected one of %s or none", name, word, ", ".join(allowed)
            )
    return [word for word in found if word in allowed]


def _choice(name: str, default: str, allowed: Collection[str]) -> str | None:
    """Return the one word, or None for ``none``, ``false`` and nothing."""
    text = str(conf.get("lark", name, fallback=default) or "").strip().lower()
    if text in allowed:
        return text
    if text not in ("", "none", "false"):
        meant = default if default in allowed else None
        log.warning(
            "[lark] %s: unknown value %r; expected one of %s or none. Using %r",
            name,
            text,
            ", ".join(allowed),
            meant or "none",
        )
        return meant
    return None
