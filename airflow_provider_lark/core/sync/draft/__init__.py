"""A first mapping file for a base and a database: which table, field and column belong together, as far as they tell.

==================  ==================================================================================
:mod:`.sides`       the tables of both sides, as they are now
:mod:`.names`       pure: which names of two lists mean the same
:mod:`.tables`      pure: which tables belong together, and in which order they are to be synced
:mod:`.pairs`       pure: which fields and columns of two tables belong together, and what is odd about them
:mod:`.creation`    tables that one side lacks: what they would be, and their creation
:mod:`.draft`       the mappings, each held against its tables; what does not fit is told instead
:mod:`.text`        the YAML file
==================  ==================================================================================
"""
