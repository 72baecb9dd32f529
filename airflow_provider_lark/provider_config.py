"""The section ``[lark]`` of Airflow's configuration, as :mod:`.provider_info` describes it."""

from __future__ import annotations


def _option(description: str, *, example: str | None, default: str | None = None, kind: str = "string") -> object:
    return {"description": description, "version_added": "0.1.0", "type": kind, "example": example, "default": default}


CONFIG = {
    "description": (
        "Notifications through a Lark / Feishu app, a receiver for what Lark sends, and defaults of commands. Set both "
        "`notify_conn_id` and `notify_receive_id` to be notified of every failed task and DAG run of the installation. "
        "Set alone, each is only a default for LarkNotifier."
    ),
    "options": {
        "notify_conn_id": _option("Connection of type `lark` to send notifications with.", example="lark_default"),
        "notify_receive_id": _option(
            "Receiver: an open_id, a chat_id, an e-mail address, the exact name of a chat, or a JSON list of these.",
            example="Data alerts",
        ),
        "notify_on": _option(
            "Events to notify of, separated by commas: `task_failed` (the last try failed), `task_retrying`, "
            "`run_failed`. `none` disables notifications even if a connection and a receiver are set. Recoveries are "
            "reported as well.",
            example="run_failed",
            default="task_failed, run_failed",
        ),
        "notify_allow": _option(
            "DAGs to notify of: comma-separated globs of DAG ids, or of DAG and task such as `orders.load`. Default: "
            "all.",
            example="orders_*, sales.load*",
        ),
        "notify_deny": _option(
            "DAGs not to notify of: globs as in `notify_allow`; they take precedence over it.",
            example="*_test, sandbox.*",
        ),
        "notify_dedupe": _option(
            "Group failures into one card per DAG `run` or per `task` of a run; `none` sends a message for each "
            "failure. Needs `store_conn_id` in the connection.",
            example="task",
            default="run",
        ),
        "notify_mention_owner": _option(
            "Mention the owner of the failed DAG or task if the owner is an e-mail address.",
            example="False",
            default="True",
            kind="boolean",
        ),
        "notify_locale": _option(
            "Language of the cards, `en_us` or `zh_cn`. Default: both, and each reader sees their own.",
            example="zh_cn",
        ),
        "hitl_users": _option(
            "Who Airflow's users are in Lark, for tasks with assigned users: a JSON object of ids or names to e-mail "
            "addresses, ids or mobile numbers. Default: a user whose id or name is an e-mail address is the person who "
            "has it.",
            example='{"lin": "lin@example.com"}',
        ),
        "mapping_files": _option(
            "YAML files of mappings, separated by commas, for the commands `airflow lark sync …` that are given none, "
            "and for the page Lark sync.",
            example="/opt/airflow/dags/lark_sync.yaml",
        ),
        "sync_page_enabled": _option(
            "Show the page Lark sync in Airflow's UI, about the mappings of `mapping_files`. The api-server has to be "
            "able to read these files.",
            example="False",
            default="True",
            kind="boolean",
        ),
        "sync_page_tab": _option(
            "Show the page as a tab of tasks as well. Default: on Airflow 3.4 and newer, for DAGs with the tag `lark`. "
            "Older versions can show it at every task of every DAG only, so there it has to be switched on.",
            example="True",
            kind="boolean",
        ),
        "receiver_enabled": _option(
            "Let the api-server receive Lark's events and clicks at `/lark/events/<connection ID>`. Requests are "
            "verified with the keys of the connection; they need no Airflow login.",
            example="True",
            default="False",
            kind="boolean",
        ),
        "receiver_url": _option(
            "Where Lark reaches the receiver: the address before `/approval/<connection ID>` and "
            "`/feed/<connection ID>`. Operators of the approval centre and `airflow lark feed install` tell it to "
            "Lark.",
            example="https://airflow.example.com/lark",
        ),
        "receiver_conn_ids": _option(
            "Connections of type `lark` to receive for, separated by commas. Each needs `store_conn_id` and "
            "`event_encrypt_key_secret` or `event_verification_token`.",
            example="lark_default, lark_sales",
            default="lark_default",
        ),
    },
}
