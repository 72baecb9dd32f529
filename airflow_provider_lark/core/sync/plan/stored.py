"""A plan in a file, to be run later: its decisions by fingerprint, without a value of either side.

The file has one JSON text a line: for each mapping a head, and behind it a line for each decision. The last line counts
the plans and holds a digest of all lines before it, so that a file that was cut or edited is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.sync.plan.checks import Checks
from airflow_provider_lark.core.sync.plan.database import PlanDatabase
from airflow_provider_lark.core.sync.plan.head import FORMAT, Head, is_digest, is_number, is_text
from airflow_provider_lark.core.sync.plan.private_file import PrivateFile, open_regular

_BEGINS = b'{"format": "lark-sync-plan-'


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as far as a later run needs it; use it in ``with``: it lives in a temporary file."""

    head: Head
    checks: Checks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary file."""
        self.checks.database.close()


class PlanWriter:
    """Writes plans to a file: keys, record ids and fingerprints, no values; only the owner may read it.

    Use it in ``with``: the file is there when the block has ended without an error; after one, an older file is left
    as it was.

    :raises ConfigError: *path* is something else than an older plan, or its folder cannot be written to.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = PrivateFile(path, begins=_BEGINS)
        self._digest = blake2b(digest_size=16)
        self._plans = 0

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            # it sees an error of the last line, too
            stack.push(self._file)
            if error is not None:
                raise error
            self._write({"plans": self._plans, "digest": self._digest.hexdigest()})

    def add(self, plan: StoredPlan) -> None:
        """Write *plan* behind those before."""
        self._write(plan.head.to_dict(decisions=sum(1 for _ in plan.checks.rows())))
        for row in plan.checks.rows():
            self._write(row)
        self._plans += 1

    def _write(self, told: Any) -> None:
        line = f"{json.dumps(told, ensure_ascii=False)}\n".encode()
        self._digest.update(line)
        self._file.write(line)


class PlanFile:
    """The plans of a file that :class:`PlanWriter` has written; use it in ``with``.

    The whole file is checked at the beginning, before a plan is handed out.

    :ivar heads: of its plans, in their order.
    :raises ConfigError: it is no such file, a part of one, or was changed.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._stack = ExitStack()
        with ExitStack() as opening:
            try:
                self._file = opening.enter_context(open_regular(Path(path), follows_links=True))
                self.heads = tuple(_read_heads(self._path, self._file))
            except OSError as exc:
                raise ConfigError(f"{path}: cannot be read ({exc.strerror or type(exc).__name__})") from exc
            self._stack = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def plans(self) -> Iterator[StoredPlan]:
        """Yield the plans, each to be closed before the next."""
        for head, decisions in _read_parts(self._path, self._file):
            database = PlanDatabase()
            try:
                checks = Checks(database, head.salt)
                checks.load(decisions)
            except BaseException:
                database.close()
                raise
            yield StoredPlan(head, checks)


def read_plans(path: str | Path) -> Iterator[StoredPlan]:
    """Yield the plans of a file, each to be closed before the next.

    :raises ConfigError: it is no such file, a part of one, or was changed; before the first plan.
    """
    with PlanFile(path) as file:
        yield from file.plans()


def _read_heads(path: str, file: BinaryIO) -> Iterator[Head]:
    for head, decisions in _read_parts(path, file):
        for _ in decisions:
            """They are checked as they are read."""
        yield head


def _read_parts(path: str, file: BinaryIO) -> Iterator[tuple[Head, Iterator[list[str]]]]:
    """Yield each head with its decisions, which are to be read before the next."""
    file.seek(0)
    lines = _Lines(path, file)
    plans = 0
    while True:
        told = lines.read()
        if plans and isinstance(told, dict) and "digest" in told:
            lines.require_end(told, plans)
            return
        if not plans and not (isinstance(told, dict) and told.get("format") == FORMAT):
            raise ConfigError(
                f"{path}: is not a plan file of this version; save one with `airflow lark sync plan --save FILE` (the "
                "output of --output cannot be applied)"
            )
        try:
            head, count = Head.from_dict(told)
        except ValueError as exc:
            raise lines.error(str(exc)) from exc
        with closing(lines.decisions(count)) as decisions:
            yield head, decisions
        plans += 1


class _Lines:
    """The lines of a file, each checked as it is read."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._number = 0
        self._line = b""
        self._digest = blake2b(digest_size=16)

    def error(self, what: str) -> ConfigError:
        return ConfigError(f"{self._path}: line {self._number}: {what}; save the plan again")

    def read(self) -> Any:
        self._digest.update(self._line)
        self._line = self._file.readline()
        self._number += 1
        if not self._line:
            missing = "is empty; expected a plan file written by --save"
            if self._number > 1:
                missing = "is incomplete: its closing line is missing; save the plan again"
            raise ConfigError(f"{self._path}: {missing}")
        try:
            return json.loads(self._line.decode())
        except (ValueError, RecursionError) as exc:
            if self._number == 1:
                raise ConfigError(f"{self._path}: is not a plan file written by --save") from exc
            raise self.error("is cut off or damaged") from exc

    def decisions(self, count: int) -> Generator[list[str], None, None]:
        for taken in range(count):
            told = self.read()
            if isinstance(told, dict):
                raise self.error(f"the plan is incomplete: it has {taken:,} of {counted(count, 'decision')}")
            if not _is_decision(told):
                raise self.error("is not a decision of a plan")
            yield told

    def require_end(self, told: dict[str, Any], plans: int) -> None:
        if set(told) != {"plans", "digest"} or not is_number(told["plans"]) or not is_digest(told["digest"]):
            raise self.error("is not the closing line of a plan")
        if told["plans"] != plans:
            raise self.error(f"the file is incomplete: it has {plans} of {told['plans']} plans")
        if told["digest"] != self._digest.hexdigest() or self._file.readline():
            raise ConfigError(f"{self._path}: was changed after it was saved; save the plan again")


def _is_decision(told: Any) -> bool:
    if not isinstance(told, list) or len(told) != 5 or not all(map(is_text, told)):
        return False
    side, _, _, fingerprint, _ = told
    return side in ("lark", "sql", "seen") and is_digest(fingerprint)
