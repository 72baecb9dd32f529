"""Whether a call was carried out that was sent several times, where the last answer does not say."""

from __future__ import annotations

from airflow_provider_lark.core.api.routes import Effect
from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown, RetriableError, ServerFailed


def hides_doubt(error: LarkError, effect: Effect, *, unanswered: bool) -> bool:
    """Tell whether *error*, of the last attempt, would let a caller believe that no attempt was carried out."""
    if isinstance(error, OutcomeUnknown):
        return unanswered and isinstance(error, ServerFailed)
    # a refused repetition of an update or a delete is news in itself: the record is gone, say
    return effect == "replayable" or isinstance(error, RetriableError)


def in_doubt_because(error: LarkError) -> OutcomeUnknown:
    """Return what a caller has to know beside *error*, the last one."""
    return OutcomeUnknown(
        f"an earlier attempt was sent and not answered, so it may have been carried out; the last one: {error.message}",
        code=error.code,
        log_id=error.log_id,
        endpoint=error.endpoint,
    )
