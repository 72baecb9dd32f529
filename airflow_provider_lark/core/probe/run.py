"""All experiments, one after the other; one that fails stops no other, and the base is removed in the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.probe import base_v3, fields, filters, reads, writes
from airflow_provider_lark.core.probe.finding import Finding
from airflow_provider_lark.core.probe.scratch import Scratch

log = logging.getLogger(__name__)

Experiment = Callable[[Scratch], Iterator[Finding]]

EXPERIMENTS: Sequence[Experiment] = (
    *(filters.days, filters.unknown_field, filters.odd_texts, filters.several_options, filters.children),
    *(fields.descriptions, fields.long_names, fields.links, fields.options, fields.addresses),
    *(reads.order, reads.pages),
    *(writes.client_tokens, writes.touches, writes.authors, writes.batches),
    *(base_v3.revisions, base_v3.newer_paths, base_v3.pages),
)

NAME = "airflow lark probe (may be deleted)"


@contextmanager
def scratch_base(
    client: LarkClient, clock: Clock, tell: Callable[[str], None], new_token: Callable[[], str]
) -> Iterator[Scratch]:
    """Make a base, and remove it afterwards.

    :param tell: told of a base that could not be removed, and where it is.
    :raises LarkError: none could be made.
    """
    scratch = Scratch.make(client, clock, NAME, new_token)
    try:
        yield scratch
    finally:
        try:
            refused = scratch.remove().code
        except LarkError as error:
            refused = error.code or 1
            log.debug("the scratch base was not removed: %s", error)
        if refused:
            tell(
                f"the base {NAME!r} ({scratch.app_token}) could not be removed (code {refused}); the app needs the "
                "scope space:document:delete, or an administrator deletes it"
            )


def probe(scratch: Scratch, experiments: Sequence[Experiment] = EXPERIMENTS) -> Iterator[Finding]:
    """Make the experiments, and yield what each settles."""
    for experiment in experiments:
        try:
            yield from experiment(scratch)
        except LarkError as error:
            # of its text only the code: the file is meant to be shown to others
            why = f"code {error.code}" if error.code is not None else type(error).__name__
            told = (experiment.__doc__ or experiment.__name__).partition("\n")[0]
            log.warning("%s %s", told, error)
            yield Finding("", told, f"not settled: {why}", is_settled=False)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("%s: an answer of another shape: %s", experiment.__name__, error)
            told = (experiment.__doc__ or experiment.__name__).partition("\n")[0]
            yield Finding("", told, "not settled: an answer had another shape", is_settled=False)
