"""Send 1,000 messages to 50 chats under real limits: ``python tests/bench/bench_messages.py [messages]``.

The emulator runs in a process of its own and enforces what Lark documents: 1,000 messages a minute and 50 a second of
an app, five a second into one chat. Prints the wall time beside what the limits allow at best, how often Lark refused
for being too fast, and whether each message arrived once.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from emulator_process import running_emulator

from airflow_provider_lark.core.api import LarkClient

ROOT = Path(__file__).parents[2]
CHATS, MESSAGES = 50, 1_000
A_MINUTE, A_SECOND, A_SECOND_A_CHAT = 1_000, 50, 5
SEND = "/open-apis/im/v1/messages"
TOO_FAST = {230020: "too fast into a chat", 99991400: "too fast for the app"}


def ask(host: str, method: str, name: str, /, **given: Any) -> Any:
    answer = httpx.request(method, f"{host}/_emulator/{name}", json=given or None, trust_env=False, timeout=60)
    return answer.raise_for_status().json()["result"]


def optimum(messages: int, chats: int) -> float:
    """The seconds that the limits leave at best: a burst of one second's calls is there when it begins."""
    whole_minutes = (messages - 1) // A_MINUTE * 60
    of_app = max(0, messages - A_SECOND) / A_SECOND
    of_chat = max(0, messages / chats - A_SECOND_A_CHAT) / A_SECOND_A_CHAT
    return float(max(whole_minutes, of_app, of_chat))


def most_within(at_ms: list[int], window_ms: int) -> int:
    """The most that any window of that length saw."""
    first, most = 0, 0
    for place, at in enumerate(at_ms):
        while at_ms[first] <= at - window_ms:
            first += 1
        most = max(most, place - first + 1)
    return most


def measure(name: str, lark: dict[str, str], orders: list[tuple[str, str]], threads: int) -> None:
    """Send *orders*, pairs of chat and text, in their order."""
    ask(lark["host"], "DELETE", "log")
    before = len(ask(lark["host"], "GET", "messages"))
    with LarkClient(lark["app_id"], lark["app_secret"], lark["host"]) as client, ThreadPoolExecutor(threads) as pool:
        begun, cpu = time.perf_counter(), time.process_time()
        list(pool.map(lambda order: client.messaging.send_text(receiver_id=order[0], content=order[1]), orders))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    arrived = Counter((each["chat_id"], each["text"]) for each in ask(lark["host"], "GET", "messages")[before:])
    log = ask(lark["host"], "GET", "log")
    refused = Counter(each["code"] for each in log)
    heard = sorted(each["at_ms"] for each in log if each["path"] == SEND)
    lost, doubled = set(orders) - set(arrived), [each for each, count in arrived.items() if count > 1]
    best, steady = optimum(len(orders), CHATS), len(orders) / A_MINUTE * 60
    too_fast = ", ".join(f"{refused[code]} {code} ({words})" for code, words in TOO_FAST.items())
    print(f"{name:32} {seconds:6.1f} s; at best {best:.0f} s by the limits, {steady:.0f} s at the minute's rate")
    seen = f"{most_within(heard, 1000)} in a second and {most_within(heard, 60_000)} in a minute at most"
    print(f"  Lark heard {seen}, of {A_SECOND} and {A_MINUTE:,} allowed")
    print(f"  {cpu / len(orders) * 1000:.1f} ms of CPU a message; {too_fast}; {len(lost)} lost, {len(doubled)} doubled")


def main(messages: int = MESSAGES) -> None:
    """Print a line for each order in which they are sent."""
    print(f"{messages:,} messages to {CHATS} chats")
    # a minute's quota each: a new emulator has not seen the messages of the one before
    for name, threads in (("one after the other, one thread", 1), ("chat after chat, eight threads", 8)):
        with running_emulator("--rate-limits") as lark:
            chats = [ask(lark["host"], "POST", "chats", name=f"chat {at}") for at in range(CHATS)]
            orders = [(chats[at % CHATS], f"message {at}") for at in range(messages)]
            measure(name, lark, orders if threads == 1 else sorted(orders), threads)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
