"""Lark's error codes and what each one means for the caller.

``general`` decides, and has the codes of the gateway and of records; ``schema`` those of bases, tables, views and
fields; ``services`` those of files, wiki and contact; ``messages`` those of messages and groups, ``cards`` what
is wrong with a card; ``webhooks`` those of webhook bots.
"""

from airflow_provider_lark.core.api.codes.general import STALE_TOKEN_CODES, explain, known_codes, refusal_codes
from airflow_provider_lark.core.api.codes.meaning import Meaning

__all__ = ["STALE_TOKEN_CODES", "Meaning", "explain", "known_codes", "refusal_codes"]
