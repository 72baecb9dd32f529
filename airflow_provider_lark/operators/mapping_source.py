"""The mapping in an operator's ``mapping`` parameter, in any of its forms."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_lark.core import TableMapping, load_mappings, parse_mappings
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.whole_base import Expansion
from airflow_provider_lark.hooks.errors import airflow_errors

log = logging.getLogger(__name__)

Expand = Callable[[Sequence[TableMapping]], Expansion]

_REFUSED = "refused"
"""The key of what stands in the place of a mapping that must not run: why."""


def read_mapping(
    source: TableMapping | Mapping[str, Any] | str | Path,
    *,
    name: str | None,
    bases: Mapping[str, str],
    folder: str | None = None,
    expand: Expand | None = None,
) -> TableMapping:
    """Return the one mapping that *source* holds, or the one called *name*.

    :param source: a mapping, a dictionary, the short form, JSON text, or the path of a YAML file.
    :param bases: names of bases and their app_tokens.
    :param folder: where a relative path starts; where there is no such file, in the working directory.
    :param expand: what makes mappings of tables from those of whole bases.
    :raises ConfigError: it holds none, or several and *name* chooses none; or it is one that :func:`list_mappings`
        tells to be refused.
    """
    if isinstance(source, Mapping) and _REFUSED in source:
        raise ConfigError(str(source[_REFUSED]))
    mappings = _read_all(source, folder)
    if expand is not None and any(mapping.is_whole_base for mapping in mappings):
        found = expand(mappings)
        if name in found.refused:
            raise ConfigError(found.refused[name])
        mappings = found.mappings
    return _choose(mappings, name).with_bases(bases)


def list_mappings(
    path: str | Path, *, names: Sequence[str] = (), lark_conn_id: str = "lark_default", sql_conn_id: str | None = None
) -> list[dict[str, Any]]:
    """Return the mappings of a YAML file as plain data, to expand an operator over.

    A mapping of a whole base becomes one of each table, which asks Lark and the database; nothing else does. A table
    that is refused is among them, and lets the task that gets it fail with the reason, so that the others run.

    :param path: a relative one starts at the folder of the DAG that is running, or being made.
    :param names: only these; all when empty.
    :param lark_conn_id: connection that asks for the tables of a whole base.
    :param sql_conn_id: connection of the database; default: the mappings' own.
    :raises AirflowFailException: the file is wrong, or a name is not in it; called by tasks, which need not retry.
    """
    with airflow_errors():
        is_running, folder = _dag_folder()
        mappings = load_mappings(_find_file(path, folder))
        refused: list[dict[str, Any]] = []
        if any(mapping.is_whole_base for mapping in mappings):
            if not is_running:
                raise ConfigError(
                    f"{path}: maps a whole base, whose tables are looked up in the run; call list_mappings in a task"
                )
            mappings, refused = _expand(mappings, lark_conn_id, sql_conn_id)
        found = [_choose(mappings, name).to_dict() for name in names or [mapping.name for mapping in mappings]]
        return found if names else [*found, *refused]


def _expand(
    mappings: list[TableMapping], lark_conn_id: str, sql_conn_id: str | None
) -> tuple[list[TableMapping], list[dict[str, Any]]]:
    from airflow_provider_lark.hooks.whole_bases import expand_whole_bases

    # a parameter that a form left empty is the text None
    conn_id = None if sql_conn_id in (None, "", "None") else sql_conn_id
    found = expand_whole_bases(mappings, lark_conn_id, conn_id)
    for text in found.told:
        log.warning("%s", text)
    for text in found.refused.values():
        log.error("%s", text)
    return found.mappings, [{"name": name, _REFUSED: text} for name, text in found.refused.items()]


def _dag_folder() -> tuple[bool, str | None]:
    """Return whether a task runs, and the folder of its DAG, or of the one that is being made."""
    from airflow.sdk import get_current_context
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    try:
        return True, get_current_context()["dag"].folder
    except RuntimeError:
        # no task runs: the file of a DAG is read, or there is no DAG at all
        dag = DagContext.get_current()
    return False, None if dag is None else dag.folder


def _find_file(path: str | Path, folder: str | None) -> Path:
    """Return where *path* leads.

    :raises ConfigError: a relative one leads nowhere; the message says where was looked.
    """
    file = Path(path).expanduser()
    if file.is_absolute():
        return file
    places = [Path(start) / file for start in (folder, str(Path.cwd())) if start]
    if found := next((place for place in places if place.exists()), None):
        return found
    raise ConfigError(
        f"mapping: file {str(path)!r} not found; tried {' and '.join(map(str, places))}. Relative paths start at the "
        "folder of the DAG file"
    )


def _read_all(source: Any, folder: str | None) -> list[TableMapping]:
    if isinstance(source, TableMapping):
        return [source]
    if not isinstance(source, str) and isinstance(source, Mapping | Sequence):
        return parse_mappings(source, where="mapping")
    text = str(source).strip()
    if not text or text == "None":
        raise ConfigError("mapping: is empty; give a dictionary, the path of a YAML file, or a TableMapping")
    return _read_json(text) if text[0] in "{[" else load_mappings(_find_file(text, folder))


def _read_json(text: str) -> list[TableMapping]:
    try:
        raw = json.loads(text)
    except ValueError as exc:
        raise ConfigError(
            "mapping: text is not valid JSON; in a template add `| tojson`, or set render_template_as_native_obj=True "
            "on the operator"
        ) from exc
    return parse_mappings(raw, where="mapping")


def _choose(mappings: list[TableMapping], name: str | None) -> TableMapping:
    chosen = [mapping for mapping in mappings if name is None or mapping.name == name]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(mapping.name for mapping in mappings)
    if name is not None:
        raise ConfigError(f"mapping_name: unknown mapping {name!r}; known: {known}")
    raise ConfigError(f"mapping: contains {len(mappings)} mappings ({known}); select one with mapping_name")
