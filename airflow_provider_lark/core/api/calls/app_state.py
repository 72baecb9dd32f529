"""What all clients of one app in this process share: the tokens and the pace."""

from __future__ import annotations

import os

from airflow_provider_lark.core.api.calls.budget.budget import Budget
from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.api.calls.memory import ChatNameCache, SentMessages
from airflow_provider_lark.core.api.calls.ratelimit import RateLimiter
from airflow_provider_lark.core.api.tokens.app import App, TokenState


class AppState:
    """Tokens and pace of one app, and what is remembered for it.

    :ivar wiki_bases: the app_token behind each wiki node that was looked up.
    """

    def __init__(self) -> None:
        self.limiter = RateLimiter()
        self.budget = Budget()
        self.tokens = TokenState()
        self.wiki_bases: dict[str, str] = {}
        self.chat_names = ChatNameCache()
        self.sent = SentMessages()
        self.matrices = MatrixMemory()


_STATES: dict[tuple[int, str, str, str], AppState] = {}


def app_state(app: App) -> AppState:
    """Return the state shared by all clients with the same host, App ID and App Secret in this process."""
    # the secret belongs to the key, or a wrong one would pass on the token of the right one;
    # the process id, because a fork inherits locks that nobody will release
    return _STATES.setdefault((os.getpid(), app.host, app.app_id, app.app_secret.mark()), AppState())
