"""The client_tokens of batches."""

from __future__ import annotations

from uuid import UUID

import pytest

from airflow_provider_lark.core.transfer.batch_tokens import batch_token

BODY = [{"name": "东华门街道"}, {"name": None}]


def test_batch_token_of_the_same_batch_is_the_same_uuid_of_version_4():
    token = batch_token("dag/task/run", 3, BODY)
    assert token == batch_token("dag/task/run", 3, [dict(fields) for fields in BODY])
    assert UUID(token).version == 4
    assert str(UUID(token)) == token


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("dag/task/run2", 3, BODY), id="task"),
        pytest.param(("dag/task/run", 4, BODY), id="place"),
        pytest.param(("dag/task/run", 3, BODY[:1]), id="content"),
        pytest.param(("dag/task/run", 3, [{"name": "东华门街道"}, {"name": ""}]), id="cell"),
    ],
)
def test_batch_token_of_anything_else_is_another(other):
    assert batch_token(*other) != batch_token("dag/task/run", 3, BODY)
