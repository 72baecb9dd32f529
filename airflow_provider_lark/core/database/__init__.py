"""What every database session needs: it knows neither our tables nor those of a mapping.

============================  =======================================================================
:mod:`.connections`           sessions and transactions
:mod:`.error_codes`           which errors are temporary, a missing privilege, or a lock wait
:mod:`.session_settings`      settings of a session, and their restoration
:mod:`.row_security`          rows that PostgreSQL hides from a user
:mod:`.blockers`              who holds the lock that another waits for
:mod:`.table_locks`           DDL that blocks no other session
:mod:`.retries`               the one loop in which a transaction is run again
:mod:`.savepoints`            attempts inside a transaction, and whether a write can be undone
:mod:`.refusals`              what an error says: which row, constraint and column
:mod:`.migration`             sets of tables that Alembic brings to the newest version
:mod:`.mysql_options`         what MySQL and MariaDB need to be told of a table
:mod:`.quoting`               names and texts in SQL written by hand
:mod:`.driver_values`         values as a driver takes them, texts as the connection can carry them
:mod:`.lenient_loading`       values that psycopg cannot load
:mod:`.dbtime`                the database's clock
:mod:`.predicates`            conditions on many ids that every database answers by an index
:mod:`.insert`                an INSERT that meets rows which are there
============================  =======================================================================
"""
