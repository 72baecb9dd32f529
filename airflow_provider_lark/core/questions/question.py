"""A question as it is stored, the outcome of a click on it, and the encryption of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.questions.centre_terms import instance_of
from airflow_provider_lark.core.questions.rules import Standing, State, Verdict, Vote
from airflow_provider_lark.core.questions.shown import status_card
from airflow_provider_lark.core.questions.terms import Terms


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it stands.

    :param decision: the choice that was decided; None while it was not, or there are no choices.
    :param pushed_ms: the time of the newest push to the approval centre that was given out; 0 before the first.
    :param cards: message_id and chat_id of its cards.
    :param is_new: whether it has just been asked.
    :param is_taken: whether a run is carrying out what was decided.
    :param is_collected: whether the answer has been dealt with.
    """

    id: str
    key: str
    state: State
    terms: Terms
    cards: tuple[tuple[str, str], ...]
    votes: tuple[Vote, ...]
    decision: str | None
    asked_ms: int
    expires_at_ms: int | None
    closed_ms: int | None
    now_ms: int
    is_sent: bool
    is_shown: bool
    reminders: int
    is_new: bool = False
    pushed_ms: int = 0
    is_taken: bool = False
    is_collected: bool = False

    @property
    def instance_id(self) -> str:
        """The instance that shows it in the approval centre, where it stands there."""
        return instance_of(self.id)

    @property
    def subjects(self) -> list[str]:
        """What answers that wait in the inbox are about: its cards, and its instance."""
        cards = [message_id for message_id, _ in self.cards]
        return cards if self.terms.centre is None else [*cards, self.instance_id]

    @property
    def standing(self) -> Standing:
        """What is decided by when somebody clicks."""
        ids = frozenset(message_id for message_id, _ in self.cards)
        return Standing(
            self.state,
            self.expires_at_ms,
            ids,
            self.is_sent,
            self.votes,
            self.now_ms,
            self.closed_ms,
            self.is_taken,
            self.is_collected,
        )

    def shown(self) -> dict[str, Any] | None:
        """Return the card as it has to look now; None where it is not known."""
        return status_card(self.terms, self.state, self.votes, decision=self.decision)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a click.

    :param question: as it stands afterwards.
    :param reply: what Lark is told: a toast, and the card where it has changed.
    :param is_repeated: whether the same click was here before.
    """

    question: Question
    verdict: Verdict
    reply: dict[str, Any]
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Sealer:
    """Encrypts what people write, for one app."""

    keyring: Keyring
    app_id: str

    def seal(self, column: str, plain: Any) -> dict[str, Any]:
        """Return the values of a sealed column and of the key that opens it."""
        text = json.dumps([self.app_id, plain], ensure_ascii=False)
        return {column: self.keyring.encrypt(Secret(text)), "key_id": self.keyring.current_id}

    def unseal(self, sealed: str, key_id: str | None) -> Any:
        """Return what was sealed.

        :raises ConfigError: no key opens it, or it is another app's.
        """
        plain = self.keyring.decrypt(sealed, key_id=key_id)
        if plain is None:
            raise ConfigError(
                "none of the keys in LARK_CONFIG_ENCRYPTION_KEY can decrypt a question; add the key it was encrypted "
                "with"
            )
        app_id, value = json.loads(plain.reveal())
        if app_id != self.app_id:
            raise ConfigError(f"a question of app {self.app_id} was sealed for app {app_id}")
        return value
