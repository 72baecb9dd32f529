"""Signs that a read passed a record over."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.api.wire.results import RecordPage
from airflow_provider_lark.core.lark_side.count_check import CountCheck


@pytest.mark.parametrize(
    ("totals", "seen", "words"),
    [
        pytest.param([3], 3, "", id="all"),
        pytest.param([0], 0, "", id="none"),
        pytest.param([3, 4], 3, "", id="one came while reading"),
        pytest.param([3], 2, "Lark reports 3 records but returned 2", id="short"),
        pytest.param([3, 2], 2, "records were deleted during the read", id="one went: another moved up"),
        pytest.param([3, 4, 3], 3, "records were deleted during the read", id="one came and one went"),
        pytest.param([None], 3, "did not return the number of records", id="untold"),
        pytest.param([3, None], 3, "did not return the number of records", id="untold later"),
    ],
)
def test_count_check_complains_of_what_may_be_missing(totals, seen, words):
    check = CountCheck()
    for total in totals:
        check.see(RecordPage([], has_more=False, page_token=None, total=total))
    assert check.complaint(seen) == "" if not words else words in check.complaint(seen)
