"""A Bitable table as the sync, the transfers and the operators read and write it.

=========================  ============================================================================
:mod:`.table`              its records in Lark's own values: every call on them is made here
:mod:`.unwritten_table`    the same for a dry run: writes are counted, not sent
:mod:`.bitable_store`      its records behind the port: canonical values by column
:mod:`.matrix_scan`        a whole read by base/v3; :mod:`.matrix_cells` its cells as v1 would show them
:mod:`.record_table`       its records by field name, in plain values
:mod:`.upsert`             updates the records that carry a key, creates the others
:mod:`.search_filter`      a filter and a sort as people write them, in Lark's form
:mod:`.key_finder`         the records that carry given keys, by filter or by scan
:mod:`.count_check`        whether a read brought every record
:mod:`.batch_writes`       writes in batches; a record that Lark refuses is named by its place
:mod:`.near_misses`        writes of which Lark made something else
:mod:`.table_design`       tables and fields: creating, changing, deleting
:mod:`.table_completion`   the fields that Lark left out of a new table
:mod:`.base_zone`          the time zone of the base
=========================  ============================================================================
"""
