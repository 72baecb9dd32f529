"""What Airflow reads to find the provider; every ``airflow`` command calls it, so it imports nothing."""

from __future__ import annotations

_LARK = "Lark / Feishu"

# the connection form is described here and nowhere else: Airflow 3.3 no longer asks the hook for it
_STANDARD_FIELDS = {
    "hidden-fields": ["port", "schema"],
    "relabeling": {"login": "App ID", "password": "App Secret", "host": "Host"},
    "placeholders": {
        "login": "cli_a1b2c3d4e5f6",
        "password": "from the developer console: Credentials & Basic Info",
        "host": "empty for the region below; or your own deployment: https://open.example.com",
    },
}

_EXTRA_FIELDS = {
    "region": {
        "label": "Region",
        "description": (
            "Feishu (open.feishu.cn) or Lark (open.larksuite.com): they are separate, and an app "
            "belongs to one. A Host above wins."
        ),
        "schema": {
            "type": ["string", "null"],
            "default": "feishu",
            "enum": ["feishu", "lark"],
            "values_display": {
                "feishu": "Feishu 飞书 (open.feishu.cn)",
                "lark": "Lark (open.larksuite.com)",
            },
        },
    },
    "bases": {
        "label": "Named bases",
        "description": (
            'Names for bases, so that DAGs can say "MyDB:users": {"MyDB": "<app_token>"}. The app_token '
            "follows /base/ in the address of the base; the whole address, or one with /wiki/, may be "
            "given too."
        ),
        "schema": {"type": ["object", "null"]},
    },
    "timeout_seconds": {
        "label": "Timeout (seconds)",
        "description": "How long one call to Lark may take, at most 600. Default: 30.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 600},
    },
    "max_attempts": {
        "label": "Attempts",
        "description": "How often one call is sent at most, where that is safe. 1 to 100; 1: never again. Default: 6.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
    },
    "max_elapsed_seconds": {
        "label": "Patience (seconds)",
        "description": "How long one call waits and is sent again at most, at most 86400. Default: 180.",
        "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 86400},
    },
    "proxy": {
        "label": "Proxy",
        "description": (
            "Address of a proxy, such as http://proxy.example:3128; a user and password may stand in it: "
            "http://user:password@proxy.example:3128. Default: what HTTPS_PROXY says where tasks run."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "ca_bundle": {
        "label": "CA bundle",
        "description": (
            "Path of a PEM file of certificates to trust instead of the public ones, on every machine that runs tasks."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "event_encrypt_key_secret": {
        "label": "Event encrypt key",
        "description": (
            "Encrypt Key from the developer console: Events & Callbacks, Encryption Strategy. Needed only "
            "to receive events."
        ),
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "event_verification_token": {
        "label": "Event verification token",
        "description": "Verification Token from the same page. Needed only to receive events.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "store_conn_id": {
        "label": "Token store (connection ID)",
        "description": (
            "A SQL connection in whose database workers share tokens, encrypted under "
            "LARK_CONFIG_ENCRYPTION_KEY. Needed for user tokens and store apps. Default: each process "
            "asks Lark itself."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "tenant_key": {
        "label": "Tenant key",
        "description": "Store apps only: the tenant for which the app works.",
        "schema": {"type": ["string", "null"]},
    },
}

_WEBHOOK_STANDARD_FIELDS = {
    "hidden-fields": ["host", "login", "port", "schema"],
    "relabeling": {"password": "Webhook address"},
    "placeholders": {"password": "https://open.feishu.cn/open-apis/bot/v2/hook/… from the group's settings: Bots"},
}

_WEBHOOK_EXTRA_FIELDS = {
    "signing_secret": {
        "label": "Signing secret",
        "description": "Where the bot's security settings have Set signature verification.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "keyword": {
        "label": "Keyword",
        "description": (
            "Where the bot's security settings have keywords: one of them. A message that does not hold it gets it, a "
            "card into its title."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "avoid_peak_seconds": {
        "label": "Avoid the rush (seconds)",
        "description": (
            "So long after each full and half hour no message goes, because Lark throttles many bots then. 0 to 300; "
            "0: never wait. Default: 15."
        ),
        "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 300},
    },
    **{
        name: _EXTRA_FIELDS[name]
        for name in ("timeout_seconds", "max_attempts", "max_elapsed_seconds", "proxy", "ca_bundle")
    },
}


def _option(description: str, *, example: str | None, default: str | None = None, kind: str = "string") -> object:
    return {"description": description, "version_added": "0.1.0", "type": kind, "example": example, "default": default}


_CONFIG = {
    "description": (
        "Notifications through an app of Lark / Feishu. `notify_conn_id` and `notify_receive_id` together tell of "
        "every task and run of the installation that fails; each alone is only what LarkNotifier takes where it is "
        "given nothing else."
    ),
    "options": {
        "notify_conn_id": _option("Connection of type `lark` through which notifications go.", example="lark_default"),
        "notify_receive_id": _option(
            "To whom: an open_id, a chat_id, an e-mail address, the exact name of a chat, or a JSON list of them.",
            example="Data alerts",
        ),
        "notify_on": _option(
            "What is told: some of `task_failed` (its last try), `task_retrying`, `run_failed`; `none`: nothing, "
            "though a connection and a receiver are named. What has failed is told of when it recovers.",
            example="run_failed",
            default="task_failed, run_failed",
        ),
        "notify_allow": _option(
            "Of which DAGs: globs of DAG ids, or of DAG and task as `orders.load`, with commas between. Default: all.",
            example="orders_*, sales.load*",
        ),
        "notify_deny": _option(
            "Of which not: globs as of `notify_allow`, which they override.", example="*_test, sandbox.*"
        ),
        "notify_dedupe": _option(
            "One card for all failures of a `run`, or of each `task` of it; `none`: a message for each. It needs the "
            "connection's `store_conn_id`.",
            example="task",
            default="run",
        ),
        "notify_mention_owner": _option(
            "Whether the owner of what failed is notified, where it is an e-mail address.",
            example="False",
            default="True",
            kind="boolean",
        ),
        "notify_locale": _option(
            "The cards' only language, `en_us` or `zh_cn`. Default: both, each reader sees their own.",
            example="zh_cn",
        ),
    },
}


def get_provider_info() -> dict[str, object]:
    """Return the provider's description, after Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-lark",
        "name": _LARK,
        "description": "Keeps Lark / Feishu (飞书) Bitable tables and SQL tables in step, both ways.",
        "integrations": [
            {
                "integration-name": _LARK,
                "external-doc-url": "https://open.feishu.cn/document/server-docs/docs/bitable-v1/bitable-overview",
                "tags": ["service"],
            }
        ],
        "hooks": _modules("hooks.lark", "hooks.webhook"),
        "operators": _modules(
            "operators.api",
            "operators.bitable",
            "operators.bitable_attachments",
            "operators.bitable_records",
            "operators.bitable_tables",
            "operators.message",
            "operators.message_changing",
            "operators.message_reading",
            "operators.message_sending",
            "operators.sync",
            "operators.webhook",
        ),
        "sensors": _modules("sensors.bitable", "sensors.sync_queue"),
        "triggers": _modules("triggers.api", "triggers.bitable", "triggers.sync_queue"),
        "transfers": [
            _transfer(_LARK, "Common SQL", "transfers.bitable_to_sql"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_bitable"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_message"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_webhook"),
        ],
        "notifications": [
            "airflow_provider_lark.notifications.lark.LarkNotifier",
            "airflow_provider_lark.notifications.webhook.LarkWebhookNotifier",
        ],
        "config": {"lark": _CONFIG},
        "asset-uris": [
            {
                "schemes": ["lark"],
                "handler": "airflow_provider_lark.hooks.assets.sanitize_uri",
                "to_openlineage_converter": "airflow_provider_lark.hooks.assets.convert_asset_to_openlineage",
            }
        ],
        "extra-links": [
            "airflow_provider_lark.hooks.table_place.BitableTableLink",
            "airflow_provider_lark.hooks.message_link.LarkMessageLink",
        ],
        "cli": ["airflow_provider_lark.cli.definition.get_lark_cli_commands"],
        "connection-types": [
            {
                "connection-type": "lark",
                "hook-class-name": "airflow_provider_lark.hooks.lark.LarkHook",
                "hook-name": _LARK,
                "ui-field-behaviour": _STANDARD_FIELDS,
                "conn-fields": _EXTRA_FIELDS,
            },
            {
                "connection-type": "lark_webhook",
                "hook-class-name": "airflow_provider_lark.hooks.webhook.LarkWebhookHook",
                "hook-name": f"{_LARK} webhook bot",
                "ui-field-behaviour": _WEBHOOK_STANDARD_FIELDS,
                "conn-fields": _WEBHOOK_EXTRA_FIELDS,
            },
        ],
    }


def _modules(*names: str) -> list[dict[str, object]]:
    return [{"integration-name": _LARK, "python-modules": [f"{__package__}.{name}" for name in names]}]


def _transfer(source: str, target: str, name: str) -> dict[str, str]:
    return {
        "source-integration-name": source,
        "target-integration-name": target,
        "python-module": f"{__package__}.{name}",
    }
