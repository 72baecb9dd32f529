"""Why a row is as it is: what holds it up now, and everything that ever happened to it.

===================  =========================================================================
:mod:`.known`        what the ledger knows of a row
:mod:`.state`        pure: what becomes of it next, and why it is not in step
:mod:`.events`       pure: its past, in the order of time
:mod:`.explanation`  both, with what the two sides hold now
===================  =========================================================================
"""
