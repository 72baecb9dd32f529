"""Making a plan: the run's own steps, over a copy of the ledger and a session that only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Literal

from sqlalchemy import Connection, Engine, select

from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.capture.triggers import is_ours
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import read_only_session
from airflow_provider_lark.core.database.dbtime import NowMs
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.parts import PULL
from airflow_provider_lark.core.ledger.queue import Delayed
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.unforeseen import tell_unforeseen
from airflow_provider_lark.core.sync.binding.capturing import settle_capture
from airflow_provider_lark.core.sync.flow import run_full, run_incremental
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.plan.actions import Action, ActionSide
from airflow_provider_lark.core.sync.plan.checks import Checks
from airflow_provider_lark.core.sync.plan.database import PlanDatabase
from airflow_provider_lark.core.sync.plan.head import Head, contract_of, version_of
from airflow_provider_lark.core.sync.plan.look import LEDGER, look
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.plan.run import PlanRun
from airflow_provider_lark.core.sync.plan.stored import StoredPlan
from airflow_provider_lark.core.sync.pull.hold import RECORD_STAYS, ROW_STAYS, pages
from airflow_provider_lark.core.sync.pull.persist import WAITS
from airflow_provider_lark.core.sync.report import PROBLEMS_KEPT, SyncReport
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.users import Users

_PAGE = 500

AGREES = "both sides agree; the conflict is closed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan is to be of; see :meth:`.SyncEngine.plan`."""

    operation: Literal["incremental", "full"]
    allow_mass_deletes: bool = False
    after: Sequence[Plan] = ()


def make_plan(
    client: LarkClient,
    engine: Engine,
    mapping: TableMapping,
    asked: Asked,
    report: SyncReport,
    clock: Clock,
    new_token: Callable[[], str],
) -> Plan:
    """Find out what a run would do; see :meth:`.SyncEngine.plan`."""
    checks = Checks(PlanDatabase(), salt=new_token())
    database = checks.database
    try:
        with read_only_session(engine) as conn:
            # what is looked up of users is kept in this process only
            users = Users(client, engine, UserDirectory(client, None))
            looked = look(client, conn, mapping, users)
            links = [pair.link.table_name for pair in looked.binding.pairs if pair.link is not None]
            database.copy_ledger(conn, mapping.sql.table_name, links)
            for earlier in asked.after:
                if earlier.table_name in links and earlier.table_name != mapping.sql.table_name:
                    database.copy_pairs(earlier.stored.checks.database, earlier.table_name)
            with database.write() as copy:
                database.add(copy, [each for each in looked.setup if not _is_made_before(each, asked.after)])
            run = PlanRun(
                client=client,
                engine=engine,
                binding=looked.binding,
                clock=clock,
                run_id="plan",
                token=new_token(),
                new_token=new_token,
                report=report,
                keep_lease=_nothing,
                users=users,
                allow_mass_deletes=asked.allow_mass_deletes,
                database_offset_ms=int(conn.scalars(select(NowMs())).one()) - int(clock.now() * 1000),
                checks=checks,
                rows=conn,
            )
            _rehearse(run, asked.operation)
            _tell_unforeseen(run)
            head = Head(
                mapping=mapping.name,
                operation=asked.operation,
                allow_mass_deletes=asked.allow_mass_deletes,
                version=version_of(mapping),
                contract=contract_of(looked.binding),
                made_ms=int(clock.now() * 1000),
                salt=checks.salt,
                counts={f"{side}.{kind}": count for (side, kind), count in database.counts().items()},
            )
    except BaseException:
        database.close()
        raise
    return Plan(StoredPlan(head, checks), report, mapping.sql.table_name)


def _tell_unforeseen(run: PlanRun) -> None:
    """Say once what may reject or change the rows that would be written, and cannot be judged beforehand."""
    kinds = {kind for side, kind in run.plan.counts() if side == "sql"}
    is_soft = run.binding.mapping.deletes.mode == "soft"
    named = tell_unforeseen(
        run.rows,
        run.binding.spec.table,
        writes=bool(kinds & {"create", "update", "link"}) or (is_soft and "delete" in kinds),
        deletes="delete" in kinds and not is_soft,
        is_ours=is_ours,
        key=run.binding.spec.key_columns,
        links=[pair.column.name for pair in run.binding.pairs if pair.link is not None],
    )
    if named:
        run.report.warnings.append(
            f"table {run.binding.table_name!r}: the database may also reject or change rows because of: {named}; "
            "a plan cannot check these"
        )


def _is_made_before(action: Action, earlier: Sequence[Plan]) -> bool:
    """Tell whether an earlier plan of the database makes the ledger, which all mappings share."""
    return action.key == LEDGER and any(
        made.key == LEDGER for plan in earlier for made in plan.actions("setup", "make")
    )


def _rehearse(run: PlanRun, operation: Literal["incremental", "full"]) -> None:
    run.transact(lambda tx: tx.queue.hand_back_all())
    run.transact(_settle_capture, run)
    newest = run.read(lambda tx: tx.conflicts.newest_id())
    try:
        if operation == "full":
            run_full(run)
        else:
            run_incremental(run)
    except SafetyStop as stop:
        run.report.status = "held"
        run.report.warnings.append(str(stop))
    run.plan.take_back_refusals(run.refused.keys())
    for actions in chain(_waiting(run), _settled(run, newest)):
        run.note(actions)
    # a cause that many rows share is told once
    run.report.problems[:] = [str(each) for each in run.plan.refusals(PROBLEMS_KEPT)]
    if run.report.failed and run.report.status == "ok":
        run.report.status = "partial"


def _settle_capture(tx: Transaction, run: PlanRun) -> None:
    """Let the run be a full one where triggers take over, as it will be."""
    state = tx.checkpoint.load()
    if state is not None and (settled := settle_capture(run.binding, state, run.report)) != state:
        tx.checkpoint.save(settled)


def _waiting(run: PlanRun) -> Iterator[list[Action]]:
    """Yield what waits, of this run and of those before.

    For a person: deletes that are held, and open conflicts. For its next attempt: what could not be written before.
    """
    for keys in pages(run, lambda tx, after: tx.deletes.page(pulls=False, after=after, limit=_PAGE)):
        reasons = run.read(_reasons, keys)
        yield [Action("lark", "hold", key, why=reasons.get(key, RECORD_STAYS)) for key in keys]
    for keys in pages(run, lambda tx, after: tx.deletes.page(pulls=True, after=after, limit=_PAGE)):
        reasons = run.read(_reasons, keys)
        yield [Action("sql", "hold", key, why=reasons.get(key, ROW_STAYS)) for key in keys]
    after = 0
    while delayed := run.read(_delayed, after):
        yield _before_next_attempt(run, delayed)
        after = delayed[-1].id
    after = 0
    while conflicts := run.read(_open_conflicts, after):
        yield [Action("both", "conflict", each.key, each.record_id or "", why=WAITS) for each in conflicts]
        after = conflicts[-1].id or 0


def _reasons(tx: Transaction, keys: Sequence[Key]) -> dict[Key, str]:
    return tx.deletes.reasons(keys)


def _delayed(tx: Transaction, after: int) -> list[Delayed]:
    return tx.queue.delayed_page(after=after, limit=_PAGE)


def _before_next_attempt(run: PlanRun, delayed: Sequence[Delayed]) -> list[Action]:
    """Return a line for each row that waits for its next attempt, and has none yet."""
    found = []
    sides: tuple[tuple[ActionSide, bool], ...] = (("lark", False), ("sql", True))
    for side, is_pull in sides:
        # the oldest entry of a key tells
        first = {each.key: each for each in reversed(delayed) if (each.operation == PULL) == is_pull}
        with run.plan.read() as copy:
            # what this very run has put off, refused or met before stands there with its reason
            known = run.plan.names_among(copy, list(first), side, ("wait", "refuse"))
        found += [_until(side, each) for key, each in reversed(first.items()) if key not in known]
    return found


def _until(side: ActionSide, each: Delayed) -> Action:
    again = f"tried again after {datetime.fromtimestamp(each.next_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    record_id = each.key if side == "sql" and each.key.startswith("rec") else ""
    return Action(side, "wait", each.key, record_id, why=f"{each.error}; {again}" if each.error else again)


def _settled(run: PlanRun, newest: int) -> Iterator[list[Action]]:
    """Yield the conflicts that the run closes without anything to write, of those up to the id *newest*."""
    after = 0
    while conflicts := run.read(_closed_conflicts, after, newest):
        with run.plan.read() as copy:
            known = run.plan.names_among(copy, [each.key for each in conflicts])
        settled = [each for each in conflicts if each.key not in known]
        yield [Action("both", "conflict", each.key, each.record_id or "", why=AGREES) for each in settled]
        after = conflicts[-1].id or 0


def _closed_conflicts(tx: Transaction, after: int, newest: int) -> list[Conflict]:
    return tx.conflicts.closed_page(after=after, up_to=newest, limit=_PAGE)


def _open_conflicts(tx: Transaction, after: int) -> list[Conflict]:
    return tx.conflicts.open_page(after=after, limit=_PAGE)


def _nothing(_conn: Connection) -> None:
    """Hold no lease."""
