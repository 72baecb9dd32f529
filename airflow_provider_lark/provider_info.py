"""What Airflow reads to find the provider; every ``airflow`` command calls it, so it imports nothing."""

from __future__ import annotations

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


def get_provider_info() -> dict[str, object]:
    """Return the provider's description, after Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-lark",
        "name": "Lark / Feishu",
        "description": "Keeps Lark / Feishu (飞书) Bitable tables and SQL tables in step, both ways.",
        "integrations": [
            {
                "integration-name": "Lark / Feishu",
                "external-doc-url": "https://open.feishu.cn/document/server-docs/docs/bitable-v1/bitable-overview",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {"integration-name": "Lark / Feishu", "python-modules": ["airflow_provider_lark.hooks.lark"]},
        ],
        "operators": [
            {
                "integration-name": "Lark / Feishu",
                "python-modules": [
                    "airflow_provider_lark.operators.api",
                    "airflow_provider_lark.operators.bitable",
                    "airflow_provider_lark.operators.bitable_records",
                    "airflow_provider_lark.operators.bitable_tables",
                    "airflow_provider_lark.operators.sync",
                ],
            },
        ],
        "sensors": [
            {
                "integration-name": "Lark / Feishu",
                "python-modules": ["airflow_provider_lark.sensors.bitable", "airflow_provider_lark.sensors.sync_queue"],
            },
        ],
        "triggers": [
            {
                "integration-name": "Lark / Feishu",
                "python-modules": [
                    "airflow_provider_lark.triggers.bitable",
                    "airflow_provider_lark.triggers.sync_queue",
                ],
            },
        ],
        "transfers": [
            {
                "source-integration-name": "Lark / Feishu",
                "target-integration-name": "Common SQL",
                "python-module": "airflow_provider_lark.transfers.bitable_to_sql",
            },
            {
                "source-integration-name": "Common SQL",
                "target-integration-name": "Lark / Feishu",
                "python-module": "airflow_provider_lark.transfers.sql_to_bitable",
            },
        ],
        "asset-uris": [
            {
                "schemes": ["lark"],
                "handler": "airflow_provider_lark.hooks.assets.sanitize_uri",
                "to_openlineage_converter": "airflow_provider_lark.hooks.assets.convert_asset_to_openlineage",
            }
        ],
        "extra-links": ["airflow_provider_lark.hooks.table_place.BitableTableLink"],
        "cli": ["airflow_provider_lark.cli.definition.get_lark_cli_commands"],
        "connection-types": [
            {
                "connection-type": "lark",
                "hook-class-name": "airflow_provider_lark.hooks.lark.LarkHook",
                "hook-name": "Lark / Feishu",
                "ui-field-behaviour": _STANDARD_FIELDS,
                "conn-fields": _EXTRA_FIELDS,
            }
        ],
    }
