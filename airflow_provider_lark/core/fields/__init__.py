"""Field types: what a cell means on either side, and how it travels.

::

    schema.py           a Bitable field
    column.py           a SQL column and what its type can hold
    sqltypes.py         a SQL type for a field, and the Lark field to create for a column
    field_column.py     a field beside a column: what their codecs share
    canonical/          the form in which values are compared, hashed and kept; codec.py build_codec(field, column):
                        the four ways between wire, canonical and SQL; a module for each family of values
    plain/              whole records without a SQL column beside them: RecordEncoder, RecordReader
    either_form.py      a cell alike, whether Lark shows it or it is about to be written
    decimals.py         arithmetic of canonical numbers
    iso.py              dates and times as text; zones.py reads the name of a zone
"""
