"""What Airflow reads to find the provider; every ``airflow`` command calls it, so it imports nothing."""

from __future__ import annotations


def get_provider_info() -> dict[str, object]:
    """Return the provider's description, after Airflow's ``provider_info.schema.json``.

    The connection form is described here and nowhere else: Airflow 3.3 no longer asks the hook for it.
    """
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
            {"integration-name": "Lark / Feishu", "python-modules": ["airflow_provider_lark.operators.sync"]},
        ],
        "sensors": [
            {"integration-name": "Lark / Feishu", "python-modules": ["airflow_provider_lark.sensors.sync_queue"]},
        ],
        "triggers": [
            {"integration-name": "Lark / Feishu", "python-modules": ["airflow_provider_lark.triggers.sync_queue"]},
        ],
        "cli": ["airflow_provider_lark.cli.definition.get_lark_cli_commands"],
        "connection-types": [
            {
                "connection-type": "lark",
                "hook-class-name": "airflow_provider_lark.hooks.lark.LarkHook",
                "hook-name": "Lark / Feishu",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {"login": "App ID", "password": "App Secret", "host": "Host"},
                    "placeholders": {
                        "login": "cli_a1b2c3d4e5f6",
                        "password": "from the developer console: Credentials & Basic Info",
                        "host": "https://open.feishu.cn, or https://open.larksuite.com for Lark",
                    },
                },
                "conn-fields": {
                    "timeout_seconds": {
                        "label": "Timeout (seconds)",
                        "description": "How long one call to Lark may take. Default: 30.",
                        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 600},
                    },
                    "proxy": {
                        "label": "Proxy",
                        "description": "Address of an HTTP proxy, such as http://proxy.example:3128. Default: none.",
                        "schema": {"type": ["string", "null"]},
                    },
                    "ca_bundle": {
                        "label": "CA bundle",
                        "description": "Path of a file of certificates to trust instead of the public ones.",
                        "schema": {"type": ["string", "null"]},
                    },
                    "bases": {
                        "label": "Named bases",
                        "description": (
                            'Names for bases, so that mappings can say "MyDB:users": '
                            '{"MyDB": "<app_token>"}. The app_token follows /base/ in the address of the base.'
                        ),
                        "schema": {"type": ["object", "null"]},
                    },
                },
            }
        ],
    }
