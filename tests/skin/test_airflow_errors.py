from __future__ import annotations

import pickle

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_lark.core import errors
from airflow_provider_lark.hooks.errors import airflow_error, airflow_errors


def family(root):
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


@pytest.mark.parametrize("kind", [k for k in family(errors.LarkError) if k.__module__ == errors.__name__])
def test_every_error_of_the_core_is_translated_and_survives_pickling(kind):
    told = airflow_error(kind("table t: does not answer", code=1254607, log_id="log1"))
    again = pickle.loads(pickle.dumps(told))
    assert (type(again), str(again)) == (type(told), str(told))
    assert str(told).startswith(f"{kind.__name__}: table t: does not answer")
    assert isinstance(told, AirflowFailException) is not issubclass(kind, errors.RetriableError)


def test_translation_keeps_the_cause():
    cause = errors.RateLimited("too many calls", retry_after_seconds=3)
    with pytest.raises(AirflowException) as caught, airflow_errors():
        raise cause
    assert caught.value.__cause__ is cause
