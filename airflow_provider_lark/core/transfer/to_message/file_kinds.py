"""What the result of a query becomes: a card, a picture, or which file, packed or not, under which name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeVar

from airflow_provider_lark.core.api.wire.limits import FILE_NAME_MAX
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.transfer.file_names import safe_name
from airflow_provider_lark.core.transfer.to_message.packing import Packing

K = TypeVar("K", bound=str)
ResultForm = Literal["card", "image", "csv", "excel", "json", "jsonl", "html"]

FORMS: Final[Sequence[ResultForm]] = ("card", "image", "csv", "excel", "json", "jsonl", "html")

# the first is the one that files get
_SUFFIXES: Final[Mapping[ResultForm, Sequence[str]]] = {
    "csv": (".csv",),
    "excel": (".xlsx",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "html": (".html", ".htm"),
}
_PACKED: Final[Mapping[Packing, Sequence[str]]] = {"gzip": (".gz", ".gzip"), "zip": (".zip",)}

PACKINGS: Final[Sequence[Packing]] = tuple(_PACKED)


def is_file(form: ResultForm) -> bool:
    """Tell whether a form is a file of all rows."""
    return form in _SUFFIXES


def choose_kind(
    form: ResultForm | None, compression: Packing | None, file_name: str | None
) -> tuple[ResultForm, Packing | None]:
    """Return the form and how its file is packed; what is not given the name's ending says, such as ``.json.gz``.

    Without one that is known it is a card.

    :raises ConfigError: the two are at odds, or it is no file that could be packed.
    """
    packing, rest = _split(file_name or "", _PACKED)
    told = f"file_name {file_name!r}" if packing else "compression"
    if compression and packing and compression != packing:
        raise ConfigError(
            f"file_name {file_name!r} has the extension of {packing}, but compression is {compression!r}; make them "
            "match"
        )
    packing = packing or compression
    found = form or _split(rest, _SUFFIXES)[0]
    if found is None:
        if packing:
            raise ConfigError(
                f"{told}: the type of the compressed file is unknown; set form, or a file_name such as a.csv.gz"
            )
        return "card", None
    if not is_file(found):
        if compression:
            raise ConfigError(f"compression: not supported with form {found!r}, which does not send a file")
        return found, None
    if packing and found == "excel":
        raise ConfigError(f"{told}: an Excel file is already compressed; send it as .xlsx")
    return found, packing


def name_file(name: str, form: ResultForm, packing: Packing | None) -> tuple[str, str]:
    """Return the names of a file as the chat shows it, and within its zip: each with the endings that it needs."""
    stem = _split(_split(name, _PACKED)[1] if packing else name, {form: _SUFFIXES[form]})[1]
    inner = _SUFFIXES[form][0]
    outer = inner + (_PACKED[packing][0] if packing else "")
    safe = safe_name(stem)[: FILE_NAME_MAX - len(outer)]
    return safe + outer, safe + inner


def _split(name: str, endings: Mapping[K, Sequence[str]]) -> tuple[K | None, str]:
    """Return which of *endings* a name has, and what stands before it."""
    for kind, suffixes in endings.items():
        for suffix in suffixes:
            if name.lower().endswith(suffix):
                return kind, name[: -len(suffix)]
    return None, name
