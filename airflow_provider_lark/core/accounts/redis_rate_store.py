"""How the processes of an app share its rate limits through Redis: by the server's clock, compared and set at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import redis

from airflow_provider_lark.core.accounts.redis_server import connect, prefix_of, unreachable
from airflow_provider_lark.core.api.calls.budget.division import LATE_SECONDS, LIFE_SECONDS
from airflow_provider_lark.core.api.calls.budget.store import Decide, Page

T = TypeVar("T")

_KEPT_MS = 300_000
"""An entry that nobody touches for so long holds nothing that counts."""

_TRIES = 200
# each time that one fails, another process has succeeded

_READ = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local born = redis.call('GET', KEYS[1])
if not born then
  born = string.format('%.0f', now)
  redis.call('SET', KEYS[1], born)
end
local found = {now, born}
for i = 2, #KEYS do
  found[i + 1] = redis.call('GET', KEYS[i]) or ''
end
return found
"""

_WRITE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
for i = 2, #KEYS do
  if (redis.call('GET', KEYS[i]) or '') ~= ARGV[2 * i - 1] then
    return 0
  end
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i], 'PX', ARGV[2])
end
return 1
"""


class RedisRateStore:
    """See :class:`.RateStore`; safe to share between threads.

    A server that has lost what it knew gives nothing until whoever had something has used it up.

    :param settings: as for :func:`.redis_server.connect`.
    """

    def __init__(self, settings: Mapping[str, Any], host: str, app_id: str) -> None:
        self._redis = connect(settings)
        self._prefix = prefix_of("rates", host, app_id)

    def visit(self, names: tuple[str, ...], decide: Decide[T]) -> T:
        """Read the entries, and write what *decide* makes of them if they are still the same; else do it again."""
        try:
            for _ in range(_TRIES):
                page, born = self._read(names)
                entries, result = decide(page)
                changed = {name: text for name, text in entries.items() if text != page.entries.get(name, "")}
                if not changed or self._write(changed, page, born):
                    return result
        except (redis.RedisError, OSError) as exc:
            kind = type(exc).__name__
        else:
            kind = "too many processes at once"
        raise unreachable(kind)

    def _read(self, names: tuple[str, ...]) -> tuple[Page, str]:
        found: Any = self._redis.eval(_READ, 1 + len(names), self._key("born"), *map(self._key, names))
        now_ms, born, *texts = found
        since_ms = int(born) + round((LIFE_SECONDS + LATE_SECONDS) * 1000)
        return Page(dict(zip(names, texts, strict=True)), int(now_ms), since_ms), born

    def _write(self, changed: Mapping[str, str], page: Page, born: str) -> bool:
        keys = [self._key("born"), *map(self._key, changed)]
        texts = [text for name, new in changed.items() for text in (page.entries[name], new)]
        return bool(self._redis.eval(_WRITE, len(keys), *keys, born, str(_KEPT_MS), *texts))

    def _key(self, name: str) -> str:
        return self._prefix + name
