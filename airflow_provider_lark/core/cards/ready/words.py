"""The words of ready cards, in English and Chinese."""

from __future__ import annotations

from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.hints import counted

DAG = localize(en_us="DAG", zh_cn="DAG")
TASK = localize(en_us="Task", zh_cn="任务")
RUN = localize(en_us="Run", zh_cn="运行")
TRY = localize(en_us="Try", zh_cn="尝试")
OWNER = localize(en_us="Owner", zh_cn="负责人")
STARTED = localize(en_us="Started", zh_cn="开始")
ENDED = localize(en_us="Ended", zh_cn="结束")
TOOK = localize(en_us="Took", zh_cn="用时")
REASON = localize(en_us="Reason", zh_cn="原因")
NEXT_TRY = localize(en_us="Next try", zh_cn="下次重试")
WAS_RED = localize(en_us="Failing for", zh_cn="故障持续")
CAUSE = localize(en_us="Cause", zh_cn="错误详情")
LOG = localize(en_us="Log", zh_cn="日志")
GRID = localize(en_us="Open in Airflow", zh_cn="在 Airflow 中打开")
OPEN_TABLE = localize(en_us="Open table", zh_cn="打开多维表格")
RUNBOOK = localize(en_us="Runbook", zh_cn="处理手册")
QUERY = localize(en_us="Query", zh_cn="查询语句")
PROBLEMS = localize(en_us="Problems", zh_cn="问题")
WARNINGS = localize(en_us="Warnings", zh_cn="提醒")


def left_out(count: int) -> Localized:
    """Say how many characters are missing."""
    return localize(en_us=f"[… {counted(count, 'character')} omitted …]", zh_cn=f"[… 省略 {count:,} 字 …]")


def and_more(count: int) -> Localized:
    """Say how many more there are than were named."""
    return localize(en_us=f"and {count:,} more", zh_cn=f"等，另有 {count:,} 个")


def span(seconds: float) -> Localized:
    """Say how long something took: the two largest units."""
    if seconds < 1:
        whole = max(0, round(seconds * 1000))
        return localize(en_us=f"{whole} ms", zh_cn=f"{whole} 毫秒")
    rest, parts = round(seconds), []
    for size, english, chinese in ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分"), (1, "s", "秒")):
        count, rest = divmod(rest, size)
        if count:
            parts.append((f"{count} {english}", f"{count} {chinese}"))
    shown = parts[:2] or [("0 s", "0 秒")]
    return localize(en_us=" ".join(each for each, _ in shown), zh_cn=" ".join(each for _, each in shown))
