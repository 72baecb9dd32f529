"""Triggers that note in ``sync_queue`` which keys of a table were inserted, changed or deleted.

They keep no values, pass over updates that change no watched column, turn a changed key into a DELETE and an
INSERT, and are silent inside :func:`mute`. What they cannot see: ``TRUNCATE``, bulk loads that skip triggers, rows
that SQLite's ``REPLACE`` or a cascading foreign key of MySQL removes. A complete scan finds those.
"""

from airflow_provider_lark.core.capture.install import foreign_definers, install, installed, is_current, uninstall
from airflow_provider_lark.core.capture.mute import mute
from airflow_provider_lark.core.capture.triggers import Definers

__all__ = ["Definers", "foreign_definers", "install", "installed", "is_current", "mute", "uninstall"]
