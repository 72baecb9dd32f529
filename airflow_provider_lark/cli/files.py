"""Files that commands write: whole or not at all, and refused before the work whose outcome they would hold."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from airflow_provider_lark.core.errors import ConfigError


def require_file(path: Path) -> None:
    """Refuse a path to which no file can be written, before anything is done for it.

    :raises ConfigError: its folder does not exist or may not be written to, or there is something else than a file.
    """
    require_folder(path)
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: cannot be written; it is no regular file")


def require_folder(path: Path) -> None:
    """Refuse a path whose folder is not there, or may not be written to.

    :raises ConfigError: which.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: cannot be written; there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: cannot be written; the folder {path.parent} is read-only for you")


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all; of a link, the file that it leads to.

    :raises ConfigError: it cannot be written; what was there is as it was.
    """
    try:
        target = path.resolve()
        beside = target.with_name(f".{target.name[:100]}.{uuid4().hex}")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(target)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written ({exc.strerror})") from exc
