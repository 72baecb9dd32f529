"""``airflow lark sync …``: runs, what they left to people, and what happened to a table.

===================  =============================================================================
:mod:`.definitions`  what the group offers; every ``airflow`` command imports it, and nothing else here
:mod:`.draft`        a first mapping file, and the tables that one side lacks
:mod:`.places`       from the arguments to mappings, their databases and their ledgers
:mod:`.plan`         what a run would do, and the run of such a plan later on
:mod:`.run`          a run now, from the shell
:mod:`.progress`     what is told while a run goes on
:mod:`.status`       how each mapping is
:mod:`.waiting`      rows that failed: list them, try them again
:mod:`.blacklist`    rows that are left alone
:mod:`.conflicts`    what both sides changed, and which side wins
:mod:`.held`         deletes that are held back
:mod:`.history`      the runs, and the lines of the log
:mod:`.explain`      why a row is as it is, and its past
:mod:`.undo`         what a run wrote, taken back
:mod:`.moving`       a mapping that continues with another Bitable table
:mod:`.removal`      the triggers and the state of a mapping, taken away
:mod:`.words`        times, shares, values and names as the commands print them
===================  =============================================================================
"""
