"""What workers share about Lark's accounts: tokens, rate limits, and whose an e-mail address or mobile number is.

The tables of :mod:`..alerts` are of the same set.

============================  =======================================================================
:mod:`.tables`                the tables; :mod:`.decision_tables` is one more
:mod:`.migrate`               brings a database to the newest schema
:mod:`.encryption`            the keys under which tokens are kept
:mod:`.tokens`                the token store, its re-encryption and its purge
:mod:`.sealed_rows`           re-encryption of all that is sealed beside tokens
:mod:`.account_store`         a token store that makes its tables when it is first used
:mod:`.rate_store`            who may use how much of an app's rate limits
:mod:`.users`                 e-mail addresses and numbers → ids of people
:mod:`.user_cache`            where workers share those, in SQL; :mod:`.redis_user_cache` in Redis
:mod:`.redis_server`          a Redis server for what workers share
============================  =======================================================================
"""

from airflow_provider_lark.core.accounts.migrate import upgrade

__all__ = ["upgrade"]
