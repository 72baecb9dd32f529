"""A few random tables, mappings and edits, of which the plan must foresee what the run does: ``make plan-fuzz``."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.emulator import Emulator
from tests.sync.plan_fuzz import run_trial
from tests.sync.plan_trial import Trial

# in 3, 7 and 8 both sides are edited between a plan and its run
SEEDS = {"sqlite": (3, 7, 8, 10, 71, 134), "postgresql": (301,), "mysql": (302,)}


@pytest.mark.parametrize(
    ("engine", "seed"), [(kind, seed) for kind, seeds in SEEDS.items() for seed in seeds], indirect=["engine"]
)
def test_plan_foresees_what_the_run_does_to_both_tables(engine: sa.Engine, emulator: Emulator, seed: int) -> None:
    with (
        LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client,
        Trial(emulator, client, engine, seed).at_work() as trial,
    ):
        problems = run_trial(trial)
    assert not problems, "\n".join([*trial.story, *problems])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", [31, 44, 58])
def test_plan_foresees_what_leaves_a_filter_and_comes_back(engine: sa.Engine, emulator: Emulator, seed: int) -> None:
    with (
        LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client,
        Trial(emulator, client, engine, seed, filtered=True).at_work() as trial,
    ):
        problems = run_trial(trial)
    assert not problems, "\n".join([*trial.story, *problems])
