"""The page "Lark sync" in Airflow's UI: how each mapping is, what waits for people, and what they decide about it.

===================  ============================================================================
:mod:`.mounting`     what Airflow mounts and shows, as ``[lark]`` says; loaded in each of its processes
:mod:`.app`          the routes, and the errors that they answer; loaded at the first request
:mod:`.access`       who asks, what they may do, and whether the page itself asks for them
:mod:`.inputs`       what a request may hold
:mod:`.threads`      the threads in which it is worked on
:mod:`.mappings`     the mappings of ``[lark] mapping_files``
:mod:`.databases`    a mapping's ledger, without taking all threads of the api-server
:mod:`.reading`      what the page shows
:mod:`.acting`       what its buttons do
:mod:`.files`        the page itself, in ``static/``
===================  ============================================================================
"""
