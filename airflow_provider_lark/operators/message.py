"""All operators of messages, from one place."""

from __future__ import annotations

from airflow_provider_lark.operators.message_changing import LarkRecallMessageOperator, LarkUpdateMessageOperator
from airflow_provider_lark.operators.message_reading import LarkMessageHistoryOperator
from airflow_provider_lark.operators.message_sending import LarkReplyMessageOperator, LarkSendMessageOperator

__all__ = [
    "LarkMessageHistoryOperator",
    "LarkRecallMessageOperator",
    "LarkReplyMessageOperator",
    "LarkSendMessageOperator",
    "LarkUpdateMessageOperator",
]
