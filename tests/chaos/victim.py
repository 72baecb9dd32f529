"""A process that is there to be killed.

It reads a job a line from its standard input, runs the engine in a child of its own, names the child's process id, and
says when the child has ended. The child is what SIGKILL hits; forking it from here spares the imports.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from tests.chaos.arena import with_session
from tests.chaos.executioner import REFUSED, SURVIVED
from tests.clocks import JumpingClock
from tests.databases import hurry


def die_after_commit(engine: Engine, number: int) -> None:
    """Kill this process right after its commit of that number."""
    commit = engine.dialect.do_commit
    done = 0

    def do_commit(connection: Any) -> None:
        nonlocal done
        commit(connection)
        done += 1
        if done == number:
            os.kill(os.getpid(), signal.SIGKILL)

    engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]  # SQLAlchemy has no event after a commit


def run(job: dict[str, Any]) -> None:
    engine = with_session(hurry(create_engine(job["database"], poolclass=NullPool)), job["session"])
    if job["commit"]:
        die_after_commit(engine, job["commit"])
    mapping = TableMapping.from_dict(job["mapping"])
    clock = JumpingClock()
    clock.ahead_seconds = job["ahead_seconds"]
    with LarkClient(
        job["app_id"], job["app_secret"], job["host"], clock=clock, rate_share=None, max_attempts=1
    ) as client:
        sync = SyncEngine(client, engine, mapping, clock=clock, lease_wait_seconds=0)
        if job["operation"] == "repair":
            sync.check(CheckOptions(repair="lark"))
        else:
            getattr(sync, job["operation"])()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(json.loads(line))
                status = SURVIVED
            except LarkError:
                status = REFUSED
            except BaseException:  # noqa: BLE001  # a child must not go on as its parent
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
