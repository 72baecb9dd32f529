"""The mapping in an operator's ``mapping`` parameter, in any of its forms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_lark.core import TableMapping, load_mappings, parse_mappings
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.errors import airflow_errors


def read_mapping(
    source: TableMapping | Mapping[str, Any] | str | Path,
    *,
    name: str | None,
    bases: Mapping[str, str],
    folder: str | None = None,
) -> TableMapping:
    """Return the one mapping that *source* holds, or the one called *name*.

    :param source: a mapping, a dictionary, the short form, JSON text, or the path of a YAML file.
    :param bases: names of bases and their app_tokens.
    :param folder: where a relative path starts; where there is no such file, in the working directory.
    :raises ConfigError: it holds none, or several and *name* chooses none.
    """
    return _choose(_read_all(source, folder), name).with_bases(bases)


def list_mappings(path: str | Path, *, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the mappings of a YAML file as plain data, to expand an operator over.

    :param path: a relative one starts at the folder of the DAG that is running, or being made.
    :param names: only these; all when empty.
    :raises AirflowFailException: the file is wrong, or a name is not in it; called by tasks, which need not retry.
    """
    with airflow_errors():
        mappings = load_mappings(_find_file(path, _dag_folder()))
        return [_choose(mappings, name).to_dict() for name in names or [mapping.name for mapping in mappings]]


def _dag_folder() -> str | None:
    from airflow.sdk import get_current_context
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    try:
        return get_current_context()["dag"].folder
    except RuntimeError:
        # no task runs: the file of a DAG is read, or there is no DAG at all
        dag = DagContext.get_current()
    return None if dag is None else dag.folder


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
