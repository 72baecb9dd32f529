"""What a card says, in English and Chinese, once it is known how its question ended in Airflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["delivered", "answered", "defaulted", "ended", "gone", "replaced", "refused"]
"""How it ended; the word stands in the table.

``delivered``: Airflow took the answer given here; ``answered``: somebody answered in Airflow; ``defaulted``: Airflow
took the default at the time-out; ``ended``: the task ended without an answer; ``gone``: Airflow knows it no longer;
``replaced``: the task asks anew; ``refused``: Airflow does not take the answer from the bridge.
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a question ended in Airflow.

    :param at_ms: when, by Airflow's clock; None where it does not say.
    """

    outcome: Outcome
    en_us: str
    zh_cn: str
    at_ms: int | None = None

    @property
    def is_void(self) -> bool:
        """Whether it is not what somebody decided on the card."""
        return self.outcome != "delivered"

    @property
    def is_open_there(self) -> bool:
        """Whether the task waits on, for somebody who answers in Airflow."""
        return self.outcome == "refused"

    @property
    def texts(self) -> dict[str, str]:
        """By language."""
        return {"en_us": self.en_us, "zh_cn": self.zh_cn}


def delivered(state: str | None) -> Ending:
    """Airflow took the answer.

    :param state: of the task afterwards.
    """
    if state in ("failed", "up_for_retry", "upstream_failed"):
        return Ending(
            "delivered", "Recorded in Airflow; the task failed afterwards", "已记录到 Airflow，但任务随后失败"
        )
    return Ending("delivered", "Recorded in Airflow", "已记录到 Airflow")


def answered_elsewhere(by: str, chosen: Sequence[str], *, is_late: bool, at_ms: int | None = None) -> Ending:
    """Somebody answered in Airflow.

    :param is_late: whether somebody decided here as well.
    """
    what = ", ".join(chosen)
    late = ("Too late. ", "已晚一步。") if is_late else ("", "")
    return Ending(
        "answered", f"{late[0]}Answered in Airflow by {by}: {what}", f"{late[1]}{by} 已在 Airflow 中回答：{what}", at_ms
    )


def defaulted(chosen: Sequence[str], *, is_late: bool, at_ms: int | None = None) -> Ending:
    """Airflow took the default."""
    what = ", ".join(chosen)
    late = ("Too late. ", "已晚一步。") if is_late else ("", "")
    return Ending("defaulted", f"{late[0]}Time over, default {what}", f"{late[1]}已超时，默认：{what}", at_ms)


def ended(state: str) -> Ending:
    """The task ended without an answer."""
    return Ending("ended", f"The task ended without an answer: {state}", f"任务未等到回答即已结束：{state}")


def gone() -> Ending:
    """The run or the task was deleted."""
    return Ending("gone", "Airflow no longer has this task", "Airflow 中已无此任务")


def replaced() -> Ending:
    """The task asks anew."""
    return Ending("replaced", "Replaced by a newer question", "已被新问题取代")


def refused(why: str) -> Ending:
    """Airflow does not take the answer.

    :param why: in Airflow's words.
    """
    return Ending(
        "refused",
        f"Not passed on, please answer in Airflow. It refused the answer: {why}",
        f"未能转交，请在 Airflow 中回答。Airflow 拒绝：{why}",
    )


def not_assigned(account: str) -> Ending:
    """The account that carries answers over is none of those who may answer.

    :param account: its user id in Airflow.
    """
    return Ending(
        "refused",
        f"Please answer in Airflow: it takes no answer from the account {account} that passes answers on; "
        "assigned_users has to name it too",
        f"请在 Airflow 中回答：转交账号 {account} 不在 assigned_users 中，Airflow 不会接受其回答",
    )
