"""Questions of commands: asked where standard output is not, and answered with no unless somebody says yes."""

from __future__ import annotations

import sys


def agrees(question: str) -> bool:
    """Ask on standard error, as standard output may be a file, and tell whether the answer is ``y`` or ``yes``.

    :raises EOFError: nobody can answer.
    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.strip().lower() in ("y", "yes")
