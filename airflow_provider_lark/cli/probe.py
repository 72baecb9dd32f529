"""``airflow lark probe``: what Lark really does where its sources disagree, tried on a scratch base."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from airflow_provider_lark.cli.asking import agrees
from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.files import require_file, write_file
from airflow_provider_lark.cli.output import print_rows
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.probe.finding import Finding
from airflow_provider_lark.core.probe.run import EXPERIMENTS, NAME, probe, scratch_base
from airflow_provider_lark.hooks.lark import LarkHook

# an experiment is no reason to wait for three minutes, and a refusal is an answer
_CALLS: dict[str, Any] = {"max_attempts": 3, "max_elapsed_seconds": 60.0}


@command
def run_probe(args: Namespace) -> None:
    """Make the experiments, print what each settled, and write it; exit with status 1 where nothing was settled."""
    target = None if args.file is None else Path(args.file)
    if target is not None:
        require_file(target)
    hook = LarkHook(args.conn_id)
    if not args.yes and not agrees(_question(hook)):
        raise ConfigError("nothing was made; answer y, or give --yes")
    found: list[Finding] = []
    with (
        hook.client(**_CALLS) as client,
        scratch_base(client, hook.clock, _tell, lambda: str(uuid4())) as scratch,
    ):
        for number, experiment in enumerate(EXPERIMENTS, start=1):
            found.extend(probe(scratch, [experiment]))
            _tell(f"{number} of {len(EXPERIMENTS)} experiments")
    rows = [{"Where": f.source, "Question": f.question, "Answer": f.answer, "Switch": _switch(f)} for f in found]
    print_rows(rows, args.output)
    if target is not None:
        write_file(target, json.dumps(document(found, hook), ensure_ascii=False, indent=1) + "\n")
        _tell(f"written to {target}; it holds no ids and no names of yours")
    if not any(each.is_settled for each in found):
        raise SystemExit(1)


def document(found: Sequence[Finding], hook: LarkHook) -> dict[str, Any]:
    """Return what is worth showing to others: no ids, no names, no secrets."""
    switches = {each.switch: each.value for each in found if each.switch is not None and each.value is not None}
    return {
        "made_by": f"airflow-provider-lark {version('airflow-provider-lark')}",
        "made_at": datetime.fromtimestamp(hook.clock.now(), UTC).isoformat(timespec="seconds"),
        "host": hook.settings.host,
        "findings": [
            {"where": f.source, "question": f.question, "answer": f.answer, "is_settled": f.is_settled} for f in found
        ],
        "switches": switches,
    }


def _question(hook: LarkHook) -> str:
    app = f"the app {hook.settings.app_id} at {hook.settings.host}"
    return f"Make the base {NAME!r} with {app}, and remove it afterwards?"


def _switch(finding: Finding) -> str:
    return "" if finding.switch is None or finding.value is None else f"{finding.switch}={finding.value!r}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
