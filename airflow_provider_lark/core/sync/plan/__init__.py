"""What a run would do, found out by running it over a copy of the ledger: nothing is written, on either side.

====================  ==================================================================================
:mod:`.plan`          the plan: its actions, counts and text
:mod:`.actions`       one thing that a run would do
:mod:`.run`           the run that notes in place of writing
:mod:`.rows`          the SQL side of it
:mod:`.records`       the Lark side of it
:mod:`.made`          placeholders for values that the database or Lark will make
:mod:`.database`      the copy of the ledger, and the notes: a temporary file
:mod:`.sightings`     what records contain just before they are written
:mod:`.checks`        the decisions by what they rest on, without values
:mod:`.stored`        plans in a file
:mod:`.head`          what a plan belongs to: mapping and tables as they were
:mod:`.private_file`  a file that is written completely or not at all
:mod:`.apply`         the run that carries out a plan that was made before
:mod:`.look`          both tables and what the setup would make, without making it
====================  ==================================================================================
"""
