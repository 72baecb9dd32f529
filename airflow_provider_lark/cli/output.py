"""What commands print: readable in any encoding and at any width, and silent once nobody reads it any more."""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO, TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import Any
from unicodedata import category

import yaml
from airflow.cli.simple_table import AirflowConsole
from rich.cells import cell_len
from rich.console import ConsoleDimensions
from rich.markup import escape

CLOSED_PIPE = 141
"""Exit status where the reader of a pipe has left (``| head -1``): 128 + SIGPIPE, what a shell tells of other tools."""

_COLUMN_CHARACTERS = 14
"""A terminal that has less room for a column gets a line for each cell instead."""

_PIPE_CHARACTERS = 100_000
"""Where nobody sees lines, none is broken: a search in them would not find what is."""

_ESCAPES = "lark-json-escapes"

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)

_UNWRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def safe_output() -> Iterator[None]:
    """Keep what is printed in the block from failing for want of a character, or of a reader.

    A character that the encoding of standard output lacks is printed as JSON's escape, so that JSON stays JSON.

    :raises SystemExit: with :data:`CLOSED_PIPE`, or with a text where the output cannot be written (a full disk).
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors=_ESCAPES)
    try:
        yield
        sys.stdout.flush()
    except SystemExit as exc:
        # rich ends the process by itself where a pipe is closed
        cause = exc.__context__ if isinstance(exc.__context__, BrokenPipeError) else _flush()
        if cause is None or isinstance(exc.code, str):
            raise
        _leave()
        raise _ended_by(cause) from None
    except OSError as exc:
        if exc.errno not in _UNWRITTEN:
            raise
        _leave()
        raise _ended_by(exc) from None
    except BaseException:
        _flush()
        raise


def print_rows(rows: Sequence[Mapping[str, Any]], output: str) -> None:
    """Print *rows* as Airflow's commands do; on a narrow terminal a table becomes a line for each cell.

    JSON and YAML keep numbers and nested values as they are, of which Airflow's commands make texts. A table that no
    terminal shows has a line for each row, however long.

    :param output: ``table``, ``plain``, ``json`` or ``yaml``.
    """
    if output in ("json", "yaml"):
        print(_document(rows, output))
        return
    console = AirflowConsole()
    if console.is_terminal:
        # rich takes every terminal that it does not know for 80 columns wide
        size = get_terminal_size()
        console.size = ConsoleDimensions(size.columns, size.lines)
    else:
        console.size = ConsoleDimensions(_PIPE_CHARACTERS, 1)
    rows = [{title: _written(shown(str(cell))) for title, cell in row.items()} for row in rows]
    if output == "plain" and rows:
        print("\n".join(_plain_lines(rows)))
        return
    if output == "table" and rows and console.width < _COLUMN_CHARACTERS * len(rows[0]):
        for row in rows:
            print("\n".join(f"{title}: {cell}" for title, cell in row.items() if cell), end="\n\n")
        return
    if output == "table":
        # a cell may hold what the terminal's markup means something by
        rows = [{title: escape(cell) for title, cell in row.items()} for row in rows]
    if console.is_terminal:
        console.print_as(data=rows, output=output)
        return
    with redirect_stdout(StringIO()) as text:
        console.print_as(data=rows, output=output)
    # a table fills its last column with blanks
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def _written(text: str) -> str:
    """Return *text* as it is printed, so that what the encoding lacks is measured by its escape."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, _ESCAPES).decode(encoding)


def _plain_lines(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield a table without lines, numbers at the right; Airflow's own takes each character for one column wide."""
    columns = [(title, [row[title] for row in rows]) for title in rows[0]]
    padded = []
    for title, cells in columns:
        width = max(map(cell_len, (title, *cells)))
        numeric = all(map(_NUMBER.fullmatch, cells))
        blanks = [" " * (width - cell_len(cell)) for cell in (title, *cells)]
        padded.append([b + c if numeric else c + b for b, c in zip(blanks, (title, *cells), strict=True)])
    for line in zip(*padded, strict=True):
        yield "  ".join(line).rstrip()


def _document(rows: Sequence[Mapping[str, Any]], output: str) -> str:
    is_ascii = not (sys.stdout.encoding or "").lower().startswith("utf")
    told = [dict(row) for row in rows]
    if output == "json":
        return json.dumps(told, ensure_ascii=is_ascii, indent=1)
    return str(yaml.safe_dump(told, allow_unicode=not is_ascii, sort_keys=False)).rstrip()


def shown(text: str) -> str:
    """Return *text* in one line that says nothing to the terminal: no line break, no escape sequence, no turn of the
    direction of writing.
    """
    if all(map(_is_plain, text)):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(character if _is_plain(character) else json.dumps(character)[1:-1] for character in quoted)


def _is_plain(character: str) -> bool:
    # blanks of other scripts, and what joins letters and emoji
    return character.isprintable() or category(character) == "Zs" or character in "\u200c\u200d"


def _ended_by(cause: OSError) -> SystemExit:
    return SystemExit(CLOSED_PIPE if cause.errno == errno.EPIPE else f"the output cannot be written: {cause.strerror}")


def _flush() -> OSError | None:
    """Write what is buffered, and return why that failed: at the end of the interpreter it could only be printed."""
    try:
        sys.stdout.flush()
    except OSError as exc:
        _leave()
        return exc
    return None


def _leave() -> None:
    """Let what is still buffered go nowhere."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPES, _escape)
