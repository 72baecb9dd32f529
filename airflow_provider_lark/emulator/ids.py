"""Ids in the form of the platform's, reproducible with the seed (lark-api §2.1)."""

from __future__ import annotations

import itertools
import random
import string

_ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Makes ids; the same seed and the same order of calls give the same ids."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids must repeat with the seed
        self._log_ids = itertools.count(1)

    def make(self, prefix: str, length: int) -> str:
        """An id of *prefix* and *length* letters and digits."""
        return prefix + "".join(self._random.choices(_ALPHABET, k=length))

    def app_token(self) -> str:
        """A base's token: 27 characters."""
        return self.make("", 27)

    def table(self) -> str:
        """A table id."""
        return self.make("tbl", 13)

    def view(self) -> str:
        """A view id."""
        return self.make("vew", 7)

    def field(self) -> str:
        """A field id."""
        return self.make("fld", 7)

    def option(self) -> str:
        """A select option's id."""
        return self.make("opt", 7)

    def record(self) -> str:
        """A record id."""
        return self.make("rec", 11)

    def file(self) -> str:
        """A file token."""
        return self.make("box", 24)

    def noise(self, length: int) -> bytes:
        """Random bytes."""
        return self._random.randbytes(length)

    def log(self, now: float) -> str:
        """A request's log id."""
        return f"{int(now)}{next(self._log_ids):022d}"
