"""What all commands share: the right to read connections, quiet logs, safe output, and errors as one line."""

from __future__ import annotations

import functools
import os
import sys
from argparse import Namespace
from collections.abc import Callable

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.cli.output import safe_output
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.errors import explain_database

Command = Callable[[Namespace], None]

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, what a shell tells of other tools."""


def command(run: Command) -> Command:
    """Make *run* a command: a :class:`.LarkError` ends it with status 1 and its text, a database's error without.

    Not Airflow's ``action_cli``: that writes the command line, and with it an App Secret, into the audit log.
    """
    return _make_command(suppress_logs_and_warning(providers_configuration_loaded(run)), run)


def service(run: Command) -> Command:
    """Make *run* a command that stays: likewise, but its logs are seen.

    Airflow keeps a command quiet by making every log line raise, in whatever thread it is written, until the command
    ends: a line about a refused request would end the request instead.
    """
    return _make_command(providers_configuration_loaded(run), run)


def _make_command(act: Command, run: Command) -> Command:
    @functools.wraps(run)
    def wrapped(args: Namespace) -> None:
        # only a server process may read connections from the metadata database
        before = os.environ.get(_CONTEXT)
        os.environ[_CONTEXT] = "server"
        try:
            with safe_output():
                act(args)
        except (LarkError, SQLAlchemyError) as exc:
            raise SystemExit(explain(exc)) from None
        except EOFError:
            raise SystemExit("nobody answered, so nothing was done; give --yes where nobody can") from None
        except KeyboardInterrupt:
            print("\ninterrupted; the command may be repeated", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
        finally:
            if before is None:
                del os.environ[_CONTEXT]
            else:
                os.environ[_CONTEXT] = before

    return wrapped


def explain(exc: Exception) -> str:
    """Return what an error says, in one line and without a secret."""
    # the text of a database's error quotes the row, and with it, where Airflow has no Fernet key, the App Secret
    return explain_database(exc) if isinstance(exc, SQLAlchemyError) else f"{type(exc).__name__}: {exc}"


_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"
