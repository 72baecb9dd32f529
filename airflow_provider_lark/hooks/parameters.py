"""Parameters as DAGs and templates give them, read into what the core takes; messages name the parameter."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields import zones

if TYPE_CHECKING:
    from datetime import tzinfo

# they answer with tokens, with tickets as good as one, or with addresses from which anybody can download a file
_TOKEN_PATHS = re.compile(
    r"/open-apis/+(auth/|authen/.*token|jssdk/ticket|mina/.*loginvalidate|drive/.*tmp_download_url)", re.IGNORECASE
)
CALL_FIELDS = ("timeout_seconds", "proxy", "call_retry")
"""How the calls of a task go, where otherwise than its connection says; read by :class:`.CallSettings`."""

TABLE_SUCH_AS = "<base>:<table> such as MyDB:users, the table's address, or its id together with base="
"""What names a table; a base is named likewise."""

_OPEN_ADDRESSES = ("tmp_download_url", "download_url")


def read_json(value: Any, where: str) -> Any:
    """Return *value*; text, as a template gives it, is read as JSON.

    :raises ConfigError: it is text and no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise ConfigError(
            f"{where}: text is not valid JSON; in a template add `| tojson`, or set "
            "render_template_as_native_obj=True on the operator"
        ) from exc


def read_rows(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Return a list of dictionaries, which may come as JSON text or as the whole result of a task that returns records.

    :raises ConfigError: it is something else.
    """
    rows = _take(read_json(value, where), "records")
    if isinstance(rows, Mapping | str | bytes) or not hasattr(rows, "__iter__"):
        raise ConfigError(f"{where}: expected a list of dictionaries, found {type(rows).__name__}")
    return list(rows)


def read_text(value: str | float | None) -> str | None:
    """Return a text without blanks around it; None where a parameter or its template gives none.

    An optional Param that is left empty is None, which a template writes as the word. With
    ``render_template_as_native_obj``, a text of digits, such as ``{{ ds_nodash }}``, comes as a number.
    """
    text = "" if value is None else str(value).strip()
    return None if text in ("", "None") else text


def read_zone(name: str | None) -> tzinfo | None:
    """Return the time zone called *name*, None where a parameter or its template gives none.

    :raises ConfigError: there is no such zone.
    """
    given = read_text(name)
    return None if given is None else zones.read_zone(given)


def read_moment(value: datetime | str | None, where: str, zone: tzinfo | None) -> datetime | None:
    """Return a moment, or None; text as a template gives it is read: ISO 8601, a date means its midnight.

    :param zone: of moments that say none.
    :raises ConfigError: it is something else, or says no time zone and there is no *zone*.
    """
    if value is None or value in ("", "None"):
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
    except (AttributeError, TypeError, ValueError) as exc:
        raise ConfigError(f"{where}: expected an ISO 8601 date and time such as 2026-11-22T08:00:00+08:00") from exc
    if moment.tzinfo is None and zone is None:
        raise ConfigError(f"{where}: has no UTC offset; add one such as +08:00, or set time_zone")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def read_count(value: int | str | None, where: str) -> int | None:
    """Return a whole number, 0 or more, or None; text as a template gives it is read.

    :raises ConfigError: it is something else.
    """
    if value is None or value in ("", "None"):
        return None
    if isinstance(value, bool) or not str(value).strip().isdecimal():
        raise ConfigError(f"{where}: expected a whole number of 0 or more")
    return int(value)


def read_number(value: float | str | None, where: str) -> float | None:
    """Return a number, 0 or more, or None; text as a template gives it is read.

    :raises ConfigError: it is something else.
    """
    number = _as_number(value)
    if number is not None and not 0 <= number < math.inf:
        raise ConfigError(f"{where}: expected a number of 0 or more, found {value!r}")
    return number


def read_seconds(value: float | str | None, where: str, *, longest: float, may_be_zero: bool = False) -> float | None:
    """Return a number of seconds above 0, or None; text as a template gives it is read.

    :param may_be_zero: whether 0 means something too.
    :raises ConfigError: it is something else, or more than *longest*.
    """
    seconds = _as_number(value)
    if seconds is not None and (not 0 <= seconds <= longest or (seconds == 0 and not may_be_zero)):
        least = "from 0" if may_be_zero else "greater than 0 and"
        raise ConfigError(f"{where}: expected a number of seconds {least} up to {longest:g}")
    return seconds


def _as_number(value: float | str | None) -> float | None:
    try:
        return None if value in (None, "", "None") else math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan  # which is within no bounds


def read_flag(value: bool | str | None, where: str) -> bool:
    """Return whether a switch is on; text as a template gives it is read, none of it means off.

    :raises ConfigError: it is something else.
    """
    told = "" if value is None else str(value).strip().lower()
    if told in ("true", "1", "yes"):
        return True
    if told in ("false", "0", "no", "none", ""):
        return False
    raise ConfigError(f"{where}: expected true or false")


def read_list(value: Any, where: str) -> list[Any] | None:
    """Return a list, which may come as JSON text; one name stands for a list of it. None where nothing is given.

    :raises ConfigError: it is something else.
    """
    if value is None or value in ("", "None"):
        return None
    if isinstance(value, str):
        value = read_json(value, where) if value.lstrip().startswith(("[", "{")) else [value]
    if isinstance(value, Mapping) or not hasattr(value, "__iter__"):
        raise ConfigError(f"{where}: expected a list, found {type(value).__name__}")
    return list(value) or None


def read_names(value: Any, where: str) -> list[Any]:
    """Return names as :func:`read_list` does; one that only begins with a bracket is a name, too."""
    try:
        return read_list(value, where) or []
    except ConfigError:
        if not isinstance(value, str):
            raise
        return [value]


def read_values(value: Any, where: str) -> Mapping[str, Any] | None:
    """Return values by name, for a query, which may come as JSON text; None where none are given.

    :raises ConfigError: it is something else.
    """
    values = read_json(None if value in ("", "None") else value or None, where)
    if values is not None and not isinstance(values, Mapping):
        raise ConfigError(f'{where}: expected a dictionary such as {{"since": "2026-01-01"}}')
    return values


def read_filter(value: Any) -> Mapping[str, Any] | None:
    """Return a filter, which may come as JSON text; None for an empty one."""
    return None if value in (None, "", "None") else read_json(value, "filter") or None


def read_ids(value: Any) -> list[str]:
    """Return record ids, each once; one id, JSON text, and the result of a task that returns ids or records, too.

    :raises ConfigError: something is no id.
    """
    if isinstance(value, str) and value.strip().startswith("rec"):
        value = [part.strip() for part in value.split(",")]
    ids = _take(read_json(value, "record_ids"), "record_ids")
    if isinstance(ids, Mapping) and "records" in ids:
        ids = [_take(record, "record_id") for record in ids["records"]]
    ids = [ids] if isinstance(ids, str) else list(ids or ())
    for at, id_ in enumerate(ids):
        if not isinstance(id_, str) or not id_.startswith("rec"):
            raise ConfigError(f"record_ids[{at}]: expected an id such as recABC, found {type(id_).__name__}")
    return list(dict.fromkeys(ids))


def _take(value: Any, part: str) -> Any:
    # the `.output` of a task is all that it returned: `.output["records"]` would be another XCom, which there is not
    return value[part] if isinstance(value, Mapping) and part in value else value


def read_patch(row: Any, at: int) -> tuple[str, Mapping[str, Any]]:
    """Return record id and fields of the row at place *at*.

    :raises ConfigError: it has not this form.
    """
    expected = 'expected {"record_id": "rec…", "fields": {…}}'
    if not isinstance(row, Mapping) or not isinstance(row.get("fields"), Mapping):
        raise ConfigError(f"records[{at}]: {expected}")
    record_id = row.get("record_id")
    if not isinstance(record_id, str) or not record_id.startswith("rec"):
        raise ConfigError(f"records[{at}]: has no record_id; {expected}")
    return record_id, row["fields"]


def is_known_at_parse_time(value: Any) -> bool:
    """Tell whether a parameter is what it will be: neither a template nor what another task returns."""
    return isinstance(value, str | list | tuple | None) and not any(mark in str(value) for mark in ("{{", "{%"))


def refuse_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a parameter that is none of *choices*, when the DAG's file is read.

    :raises ConfigError: it is something else.
    """
    if is_known_at_parse_time(value) and value not in choices:
        raise ConfigError(f"{name} is {value!r}; expected {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}")


def refuse_token_path(path: str) -> None:
    """Refuse *path* where Lark answers with a token.

    :raises ConfigError: it does.
    """
    plain = unquote(urlsplit(path.strip()).path)
    if _TOKEN_PATHS.match(plain):
        raise ConfigError(
            f"path {plain!r}: the response contains a token or download links that work without one, which must not "
            "end up in an XCom; LarkHook obtains tokens itself, and client.drive downloads files"
        )


def refuse_open_addresses(result: Any, where: str) -> None:
    """Refuse a result with addresses from which anybody who sees them can download a file for some time.

    :raises ConfigError: it has one.
    """
    if isinstance(result, Mapping):
        for name, value in result.items():
            if name in _OPEN_ADDRESSES and value:
                raise ConfigError(
                    f"{where}: {name} in the response lets anyone download the file, so it must not end up in an XCom; "
                    "select another part with result_path, or call LarkHook from your own task"
                )
            refuse_open_addresses(value, where)
    elif isinstance(result, list):
        for value in result:
            refuse_open_addresses(value, where)


def need_text(value: str | float | None, name: str, *, such_as: str = "") -> str:
    """Return a text that has to be there.

    :param such_as: what to give.
    :raises ConfigError: it is empty.
    """
    text = read_text(value)
    if text is None:
        raise ConfigError(f"{name}: is empty" + (f"; give {such_as}" if such_as else ""))
    return text


def refuse_open_password(proxy: Any) -> None:
    """Refuse a proxy's password in the DAG's file, when that is read: Airflow keeps a copy of each parameter in clear.

    :raises ConfigError: there is one.
    """
    if not isinstance(proxy, str) or not is_known_at_parse_time(proxy):
        return
    try:
        has_password = bool(urlsplit(proxy).password)
    except ValueError:
        return
    if has_password:
        raise ConfigError(
            "proxy: contains a password, which Airflow would store in plain text with the DAG; use a template such as "
            "{{ conn.my_proxy.get_uri() }} with a connection of type http, or set the proxy in the Lark connection's "
            "extra"
        )
