"""Apache Airflow provider for Lark / Feishu: keeps Bitable tables and SQL tables in sync.

::

    provider_info.py   what Airflow reads to find the provider; provider_config.py: its settings
    core/              runs without Airflow: the Lark client, field codecs, both sides, the sync engine
    emulator/          a Lark Open Platform on localhost, to try and test DAGs offline
    hooks/             LarkHook: an Airflow connection becomes a core client
    triggers/ operators/ sensors/   the thin Airflow skin over the core
"""

__version__ = "0.1.0"
