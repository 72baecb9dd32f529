"""JSON and YAML of any length: a list with an object for each mapping, whose lists come item by item."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from shutil import copyfileobj
from tempfile import TemporaryFile
from textwrap import indent
from typing import Any

import yaml


class Document:
    """One text, printed when it is whole: a reader of half of it would take it for all.

    :param output: ``json`` or ``yaml``.
    """

    def __init__(self, output: str) -> None:
        # a file, so that memory does not grow with what is told
        self._file = TemporaryFile("w+", encoding="utf-8", errors="surrogatepass")  # noqa: SIM115 (closed by close())
        self._is_ascii = not (sys.stdout.encoding or "").lower().startswith("utf")
        self._is_json = output == "json"
        self._begun = False

    def add(self, head: Mapping[str, Any], **lists: Iterable[Mapping[str, Any]]) -> None:
        """Take an object: *head*, which is not empty, and *lists* by name behind it."""
        (self._add_json if self._is_json else self._add_yaml)(head, lists)
        self._begun = True

    def print(self) -> None:
        """Print all of it."""
        if not self._begun:
            self._file.write("[]\n")
        elif self._is_json:
            self._file.write("\n]\n")
        self._file.seek(0)
        copyfileobj(self._file, sys.stdout)

    def close(self) -> None:
        """Drop it."""
        self._file.close()

    def _add_json(self, head: Mapping[str, Any], lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self._file.write(f"{',' if self._begun else '['}\n{self._json(head)[:-1]}")
        for name, items in lists.items():
            self._file.write(f', "{name}": [')
            for number, item in enumerate(items):
                self._file.write(f"{',' if number else ''}\n  {self._json(item)}")
            self._file.write("]")
        self._file.write("}")

    def _add_yaml(self, head: Mapping[str, Any], lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self._file.write(self._yaml(head))
        for name, items in lists.items():
            is_empty = True
            for item in items:
                if is_empty:
                    self._file.write(f"  {name}:\n")
                is_empty = False
                self._file.write(indent(self._yaml(item), "  "))
            if is_empty:
                self._file.write(f"  {name}: []\n")

    def _json(self, told: Any) -> str:
        return json.dumps(told, ensure_ascii=self._is_ascii)

    def _yaml(self, told: Any) -> str:
        return str(yaml.safe_dump([told], allow_unicode=not self._is_ascii, sort_keys=False))
