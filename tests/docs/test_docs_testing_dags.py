"""The tests that the page on testing DAGs shows pass, in a pytest of their own."""

from __future__ import annotations

import os

import pytest

from tests.docs.pages import page

pytest_plugins = ["pytester"]

# what Airflow warns of in its own code
EXEMPT = ("-W", "ignore:GitWildMatchPattern:DeprecationWarning")


def test_tests_of_the_page_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    conftest, *rest = [block.text for block in page("docs/testing-dags.md").blocks("python")]
    pytester.makeconftest(conftest)
    # a whole DAG needs Airflow's database: its snippet is only compiled
    pytester.makepyfile("\n\n".join(each for each in rest if "DagBag" not in each))
    # pytester takes the home away, in which Airflow would then make one of its own
    monkeypatch.setenv("AIRFLOW_HOME", os.environ.get("AIRFLOW_HOME", str(pytester.path)))

    result = pytester.runpytest_subprocess("-W", "error", *EXEMPT, "-p", "no:cacheprovider")

    result.assert_outcomes(passed=6)
