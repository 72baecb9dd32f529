"""What Airflow reads to find the provider; every ``airflow`` command calls it, so it imports nothing else."""

from __future__ import annotations

from airflow_provider_lark.provider_config import CONFIG

_LARK = "Lark / Feishu"

# the connection form is described here and nowhere else: Airflow 3.3 no longer asks the hook for it
_STANDARD_FIELDS = {
    "hidden-fields": ["port", "schema"],
    "relabeling": {"login": "App ID", "password": "App Secret", "host": "Host"},
    "placeholders": {
        "login": "cli_a1b2c3d4e5f6",
        "password": "from the developer console: Credentials & Basic Info",
        "host": "leave empty to use the region below, or enter your own deployment: https://open.example.com",
    },
}

_EXTRA_FIELDS = {
    "region": {
        "label": "Region",
        "description": (
            "Feishu (open.feishu.cn) or Lark (open.larksuite.com). They are separate platforms, and an app belongs to "
            "one of them. The Host field overrides this."
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
            'Names for bases, so that DAGs can refer to "MyDB:users": {"MyDB": "<app_token>"}. The app_token is '
            "the part after /base/ in the base's address; the whole address, or a /wiki/ address, works too."
        ),
        "schema": {"type": ["object", "null"]},
    },
    "timeout_seconds": {
        "label": "Timeout (seconds)",
        "description": "Timeout of one request to Lark, at most 600. Default: 30.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 600},
    },
    "max_attempts": {
        "label": "Attempts",
        "description": (
            "Maximum number of attempts for one call, as far as repeating it is safe. 1 to 100; 1 disables retries. "
            "Default: 6."
        ),
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
    },
    "max_elapsed_seconds": {
        "label": "Maximum total time (seconds)",
        "description": "Maximum total time for one call including waits and retries, at most 86400. Default: 180.",
        "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 86400},
    },
    "proxy": {
        "label": "Proxy",
        "description": (
            "URL of a proxy such as http://proxy.example:3128, optionally with credentials: "
            "http://user:password@proxy.example:3128. Default: the environment variable HTTPS_PROXY where tasks run."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "ca_bundle": {
        "label": "CA bundle",
        "description": (
            "Path of a PEM file with the CA certificates to trust instead of the public ones. It must exist on every "
            "machine that runs tasks."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "event_encrypt_key_secret": {
        "label": "Event encrypt key",
        "description": (
            "Encrypt Key from the developer console: Events & Callbacks, Encryption Strategy. Only needed to receive "
            "events."
        ),
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "event_verification_token": {
        "label": "Event verification token",
        "description": "Verification Token from the same page. Only needed to receive events.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "store_conn_id": {
        "label": "Token store (connection ID)",
        "description": (
            "SQL connection to the database in which workers share tokens, encrypted with LARK_CONFIG_ENCRYPTION_KEY. "
            "Required for user tokens and store apps. Default: each process requests its own tokens."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "rabbitmq_conn_id": {
        "label": "RabbitMQ (connection ID)",
        "description": (
            "Connection to a RabbitMQ broker that keeps received events and clicks while the token store's database "
            "is down. Default: they are stored in that database at once."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "redis_conn_id": {
        "label": "Redis (connection ID)",
        "description": "Redis that wakes waiting tasks at an event. Default: they query the database twice a second.",
        "schema": {"type": ["string", "null"]},
    },
    "tenant_key": {
        "label": "Tenant key",
        "description": "Store apps only: the tenant the app acts for.",
        "schema": {"type": ["string", "null"]},
    },
    "base_v3": {
        "label": "Larger pages (base/v3)",
        "description": (
            "Let checks and full syncs read tables in pages of 2,000 records by a newer API, which Lark does not "
            "document; whatever it shows otherwise is read as usual."
        ),
        "schema": {"type": ["string", "null"], "default": "off", "enum": ["off", "on"]},
    },
}

_WEBHOOK_STANDARD_FIELDS = {
    "hidden-fields": ["host", "login", "port", "schema"],
    "relabeling": {"password": "Webhook address"},
    "placeholders": {"password": "https://open.feishu.cn/open-apis/bot/v2/hook/… from the group's settings, Bots"},
}

_WEBHOOK_EXTRA_FIELDS = {
    "signing_secret": {
        "label": "Signing secret",
        "description": 'Required if "Set signature verification" is on in the bot\'s security settings.',
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "keyword": {
        "label": "Keyword",
        "description": (
            "One of the custom keywords, if the bot's security settings have any. It is added to messages that do not "
            "contain it; in a card, to the title."
        ),
        "schema": {"type": ["string", "null"]},
    },
    "avoid_peak_seconds": {
        "label": "Avoid peak times (seconds)",
        "description": (
            "Hold messages back for this long after each full and half hour, when Lark throttles webhook bots. 0 to "
            "300; 0 disables it. Default: 15."
        ),
        "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 300},
    },
    **{
        name: _EXTRA_FIELDS[name]
        for name in ("timeout_seconds", "max_attempts", "max_elapsed_seconds", "proxy", "ca_bundle")
    },
}


def get_provider_info() -> dict[str, object]:
    """Return the provider's description, after Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-lark",
        "name": _LARK,
        "description": "Two-way sync between Lark / Feishu (飞书) Bitable tables and SQL tables, messages and cards.",
        "integrations": [
            {
                "integration-name": _LARK,
                "external-doc-url": "https://open.feishu.cn/document/server-docs/docs/bitable-v1/bitable-overview",
                "tags": ["service"],
            }
        ],
        "hooks": _modules("hooks.lark", "hooks.webhook"),
        "operators": _modules(
            *("operators.api", "operators.approval", "operators.hitl", "operators.sync", "operators.sync_health"),
            *("operators.webhook", "operators.bitable", "operators.bitable_attachments", "operators.bitable_records"),
            *("operators.bitable_tables", "operators.message", "operators.message_changing"),
            *("operators.message_reading", "operators.message_sending"),
        ),
        "sensors": _modules("sensors.bitable", "sensors.callback", "sensors.sync_queue"),
        "triggers": _modules(
            *("triggers.api", "triggers.bitable", "triggers.callback", "triggers.event"),
            *("triggers.hitl", "triggers.sync_queue"),
        ),
        "transfers": [
            _transfer(_LARK, "Common SQL", "transfers.bitable_to_sql"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_bitable"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_message"),
            _transfer("Common SQL", _LARK, "transfers.sql_to_webhook"),
        ],
        "notifications": [
            "airflow_provider_lark.notifications.hitl.LarkHITLNotifier",
            "airflow_provider_lark.notifications.lark.LarkNotifier",
            "airflow_provider_lark.notifications.webhook.LarkWebhookNotifier",
        ],
        "config": {"lark": CONFIG},
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
