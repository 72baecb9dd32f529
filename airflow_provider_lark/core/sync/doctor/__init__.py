"""Looks at everything a sync needs and says what is wrong; it writes nothing, in Lark or in the database.

The right to write is asked for by changing no cell of a record that does not exist: Lark checks the rights first.
"""

from airflow_provider_lark.core.sync.doctor.app import examine_app, examine_base, examine_token_store
from airflow_provider_lark.core.sync.doctor.findings import Finding
from airflow_provider_lark.core.sync.doctor.mapping import examine_mapping

__all__ = ["Finding", "examine_app", "examine_base", "examine_mapping", "examine_token_store"]
