"""The old path of :mod:`airflow_provider_lark.core.api.services.messaging`, with a warning, until 0.3."""

from __future__ import annotations

from warnings import warn

from airflow_provider_lark.core.api.services.messaging import Content, ReceiverIdType, content, infer_receiver_id_type

__all__ = ["Content", "ReceiverIdType", "content", "infer_receiver_id_type"]

warn(
    f"{__name__} is {content.__package__} now; the old name goes with version 0.3",
    DeprecationWarning,
    stacklevel=2,
)
