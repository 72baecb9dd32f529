"""What a task remembers over its tries of a message that it sends: in the task state store of Airflow 3.3.

Before 3.3 there is none, and the message's ``uuid`` alone keeps a second try from sending twice: Lark remembers it for
an hour.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown, Stopped
from airflow_provider_lark.core.transfer.batch_tokens import batch_token
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.operators.messages.base import raise_first

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.api.services.messaging.wire import Delivery

log = logging.getLogger(__name__)

KEY = "lark_message"
UUID_SECONDS = 3600.0
_MARGIN_SECONDS = 120.0
"""The last try may take so long, and Lark's clock is another."""


def message_uuid(context: Context, purpose: str, said: Any) -> str:
    """Return a uuid that all tries of a task share for one content, and no other task, run or content has.

    :param purpose: what the task does with the message, where it does several things.
    :param said: what is sent and to whom, as plain data without anything that moves by itself.
    """
    ti = context["ti"]
    parts = (ti.dag_id, context["run_id"], ti.task_id, ti.map_index, purpose)
    return batch_token(json.dumps([str(part) for part in parts]), 0, said)


@dataclass
class SentOnce:
    """A message and those who have it.

    :param uuid: of the message; another content has another.
    :param began: when it was first sent, in seconds; None: it was not, or surely in vain.
    :param sent: ids of the message by receiver.
    :param facts: what else the task that sent it has to tell, small and plain.
    """

    uuid: str
    began: float | None = None
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    _key: str = KEY
    _store: Any = field(default=None, repr=False)
    _began_before: float | None = None

    @classmethod
    def recall(cls, context: Context, uuid: str, *, part: int = 0) -> SentOnce:
        """Return what earlier tries of this task did with the same content.

        :param part: which message it is of several that the task sends: each has a memory of its own.
        """
        key = f"{KEY}_{part + 1}" if part else KEY
        memory = cls(uuid, _key=key, _store=context.get("task_state_store"))
        if memory._store is None:
            return memory
        try:
            known = memory._store.get(key)
        except Exception as exc:  # noqa: BLE001 - the uuid still holds, and a message is not lost over its memory
            log.warning(
                "cannot read the task state store (%s); only the message uuid prevents duplicates, for one hour",
                _name(exc),
            )
            return memory
        if isinstance(known, Mapping) and known.get("uuid") == uuid:
            memory.began, memory.sent = known.get("began"), dict(known.get("sent") or {})
            memory.facts = dict(known.get("facts") or {})
        return memory

    @property
    def is_begun(self) -> bool:
        """Whether an earlier try sent it, or may have."""
        return self.began is not None or bool(self.sent)

    def pending(self, receivers: Sequence[str]) -> list[str]:
        """Return who has not got it yet."""
        return [each for each in receivers if each not in self.sent]

    def begin(self, *, resend_if_unknown: bool) -> None:
        """Note that it is being sent.

        :raises OutcomeUnknown: an earlier try may have sent it, longer ago than Lark remembers.
        """
        now, self._began_before = CallingHook.clock.now(), self.began
        if self.began is not None and now - self.began > UUID_SECONDS - _MARGIN_SECONDS and not resend_if_unknown:
            raise OutcomeUnknown(
                "an earlier try of this task was interrupted while sending the message more than an hour ago. The "
                "message may or may not have been sent, and Lark no longer recognises its uuid; check the chat, and "
                "set resend_if_unknown=True to send it again"
            )
        if self.began is None or resend_if_unknown:
            self.began = now
        self._keep()

    def undo(self) -> None:
        """Note that this try sent nothing."""
        self.began = self._began_before
        self._keep()

    def end(self, sent: Mapping[str, dict[str, Any]], *, in_doubt: bool, is_whole: bool) -> None:
        """Note who has got it now.

        :param in_doubt: whether somebody may have got it of whom that is not known.
        :param is_whole: whether all have.
        """
        self.sent.update(sent)
        if not in_doubt:
            # who is refused now may still have got it from an earlier try that was cut off
            self.began = None if is_whole else self._began_before
        self._keep()

    def _keep(self) -> None:
        if self._store is None:
            return
        try:
            known = {"uuid": self.uuid, "began": self.began, "sent": self.sent}
            self._store.set(self._key, {**known, **({"facts": self.facts} if self.facts else {})})
        except Exception as exc:  # noqa: BLE001 - as above
            log.warning(
                "cannot write the task state store (%s); duplicates are prevented by the message uuid only, for one "
                "hour",
                _name(exc),
            )


def deliver_once(
    memory: SentOnce,
    receivers: Sequence[str],
    send: Callable[[list[str]], list[Delivery]],
    *,
    resend_if_unknown: bool,
) -> int:
    """Let *send* bring the message to those of *receivers* who have not got it, and return how many got it now.

    :param send: returns what became of each; what it raises has reached nobody.
    :raises LarkError: somebody did not get it.
    """
    pending = memory.pending(receivers)
    if not pending:
        return 0
    memory.begin(resend_if_unknown=resend_if_unknown)
    try:
        results = send(pending)
    except Stopped:
        raise
    except LarkError:
        memory.undo()
        raise
    errors = [(each.receiver_id, each.error) for each in results if each.error is not None]
    sent = {each.receiver_id: asdict(each.message) for each in results if each.message is not None}
    memory.end(sent, in_doubt=any(isinstance(error, OutcomeUnknown) for _, error in errors), is_whole=not errors)
    raise_first(errors, len(results), "receivers did not get the message")
    return len(sent)


def _name(exc: Exception) -> str:
    return type(exc).__name__
