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


def test_translation_shows_no_second_traceback_and_keeps_the_error_behind_it_for_debuggers():
    behind = errors.RateLimited("too many calls", retry_after_seconds=3)
    behind.add_note("gave up after attempt 6")
    with pytest.raises(AirflowException) as caught, airflow_errors():
        raise behind
    assert str(caught.value) == "RateLimited: too many calls (gave up after attempt 6)"
    assert (caught.value.__context__, caught.value.__suppress_context__) == (behind, True)


def test_words_of_a_database_become_the_message_without_the_statement():
    from sqlalchemy import create_engine

    engine = create_engine("sqlite://")
    with pytest.raises(AirflowException) as caught, engine.connect() as conn, airflow_errors():
        conn.exec_driver_sql("SELECT * FROM nowhere")
    engine.dispose()
    assert str(caught.value) == "OperationalError: database error: no such table: nowhere"
