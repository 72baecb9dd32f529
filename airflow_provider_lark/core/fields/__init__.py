"""Field types: what a cell means on either side, and how it travels.

::

    schema.py           a Bitable field
    column.py           a SQL column and what its type can hold
    sqltypes.py         a SQL type for a field, and the Lark field to create for a column
    field_column.py     a field beside a column: what their codecs share
    canonical.py        the form in which values are compared, hashed and kept
    canonical_codec.py  build_codec(field, column): the four ways between wire, canonical and SQL
    canonical_….py      the families of it; column_form.py a column's own form
    plain.py            whole records without a SQL column beside them: RecordEncoder, RecordReader
    plain_….py          their cells
    either_form.py      a cell alike, whether Lark shows it or it is about to be written
    decimals.py         arithmetic of canonical numbers
    iso.py              dates and times as text; zones.py reads the name of a zone
"""
