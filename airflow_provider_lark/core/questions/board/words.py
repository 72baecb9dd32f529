"""The words of boards, in English and Chinese."""

from __future__ import annotations

from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.questions.rules import UNDO

CHOICES: dict[str, Localized] = {
    "lark": localize(en_us="Use Lark", zh_cn="采用飞书"),
    "sql": localize(en_us="Use database", zh_cn="采用数据库"),
    "release": localize(en_us="Delete", zh_cn="确认删除"),
    "keep": localize(en_us="Keep", zh_cn="保留"),
    UNDO: localize(en_us="Take back", zh_cn="撤回"),
}
LARK = localize(en_us="Lark", zh_cn="飞书")
SQL = localize(en_us="Database", zh_cn="数据库")
CONFLICTS = localize(en_us="Conflicts", zh_cn="冲突")
HELD = localize(en_us="Deletes held", zh_cn="暂缓删除")
FAILED = localize(en_us="Failed rows", zh_cn="失败行")
LAST_RUN = localize(en_us="Last run", zh_cn="上次运行")
DECIDED = localize(en_us="Decided", zh_cn="已决定")
DELETED = localize(en_us="deleted", zh_cn="已删除")
EMPTY = localize(en_us="(empty)", zh_cn="（空）")
HIDDEN = localize(en_us="(not shown)", zh_cn="（不显示）")
TAKEN_BACK = localize(en_us="taken back", zh_cn="已撤回")
NEXT_RUN = localize(en_us="the next run carries it out", zh_cn="下次运行时执行")
MAY_DECIDE = localize(en_us="May decide:", zh_cn="可决定：")
EVERYBODY = localize(en_us="Everybody who sees this card may decide", zh_cn="所有看到此卡片的人均可决定")
SURE = localize(en_us="Delete them?", zh_cn="确认删除？")
UNTIL_THEN = localize(
    en_us="The next run deletes them. Until then this can be taken back.", zh_cn="下次运行时将删除，在此之前可以撤回。"
)
FATES: dict[str, Localized] = {
    "applied": localize(en_us="carried out", zh_cn="已执行"),
    "settled": localize(en_us="nothing was left to do", zh_cn="已无需执行"),
    "changed": localize(en_us="not carried out: it had changed", zh_cn="未执行：内容已变更"),
    "left": localize(en_us="not carried out: the sync asks here no more", zh_cn="未执行：同步任务不再在此询问"),
}
LEFT = localize(
    en_us="The sync asks here no more, and nobody carries out what is pressed here",
    zh_cn="同步任务不再在此询问，在此作出的决定不会执行",
)
MOVED = localize(en_us="People are asked on a newer card now", zh_cn="已改由更新的卡片询问")
ABANDONED = localize(
    en_us="The sync has not run for days, so nobody would carry this out; it asks again when it runs",
    zh_cn="同步任务已多日未运行，决定无人执行；下次运行时会再次询问",
)


def title(mapping: str, *, is_open: bool, can_decide: bool, is_decided: bool) -> Localized:
    """Return the headline.

    :param is_decided: whether only a run is waited for.
    """
    if not is_open:
        return localize(en_us=f"{mapping}: nothing left to decide", zh_cn=f"{mapping}：已全部处理")
    if not can_decide:
        return localize(en_us=f"{mapping}: rows failed", zh_cn=f"{mapping}：有失败行")
    if is_decided:
        return localize(en_us=f"{mapping}: decided", zh_cn=f"{mapping}：已决定")
    return localize(en_us=f"{mapping}: please decide", zh_cn=f"{mapping}：请决定")


def left_title(mapping: str) -> Localized:
    """Return the headline of a card on which nobody is asked any more."""
    return localize(en_us=f"{mapping}: not asked here any more", zh_cn=f"{mapping}：不再在此询问")


def conflict(key: str) -> Localized:
    """Return the heading of a conflict."""
    return localize(en_us=f"Row {key}: both sides changed it", zh_cn=f"行 {key}：两边都有修改")


def held(kind: str, count: int) -> Localized:
    """Return the heading of deletes that are held."""
    if kind == "held_rows":
        return localize(
            en_us=f"{counted(count, 'record')} deleted in Lark; the rows are kept in the database",
            zh_cn=f"飞书中已删除 {count:,} 条记录，数据库中的行仍保留",
        )
    return localize(
        en_us=f"{counted(count, 'row')} deleted in the database; the records are kept in Lark",
        zh_cn=f"数据库中已删除 {count:,} 行，飞书中的记录仍保留",
    )


def kept(kind: str) -> Localized:
    """Return what the button for keeping does."""
    if kind == "held_rows":
        return localize(en_us="Keep: the records are made again in Lark", zh_cn="保留：在飞书中重新创建记录")
    return localize(en_us="Keep: the rows are inserted again", zh_cn="保留：在数据库中重新插入这些行")


def more_conflicts(count: int) -> Localized:
    """Return a line about conflicts that find no room."""
    return localize(
        en_us=f"and {counted(count, 'more conflict')}, shown here as others are decided; all of them are in "
        "sync_conflict, status open",
        zh_cn=f"另有 {count:,} 个冲突，将陆续显示；全部见 sync_conflict（status = open）",
    )


def _labels(choice: str) -> dict[str, str]:
    label = CHOICES.get(choice)
    return {"en_us": choice, "zh_cn": choice} if label is None else {str(name): text for name, text in label.texts}


def accepted(choice: str) -> Localized:
    """Return what somebody is told whose decision counts."""
    if choice == UNDO:
        return localize(en_us="Taken back: the next run leaves it as it is", zh_cn="已撤回，下次运行时不会执行")
    label = _labels(choice)
    return localize(
        en_us=f"Recorded: {label['en_us']}; the next run carries it out",
        zh_cn=f"已记录：{label['zh_cn']}，下次运行时执行",
    )


REFUSED: dict[str, Localized] = {
    "replaced": localize(
        en_us="This has changed since; please look at the card again", zh_cn="内容已变更，请查看更新后的卡片"
    ),
    "outdated": localize(
        en_us="Somebody has changed this meanwhile; please look at the card again",
        zh_cn="已有他人更改，请查看更新后的卡片",
    ),
    "abandoned": ABANDONED,
    "under_way": localize(en_us="A run is carrying this out already", zh_cn="正在执行，无法再更改"),
    "withdrawn": localize(en_us="Nothing is left to decide here", zh_cn="此项已无需决定"),
}
