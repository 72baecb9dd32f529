"""Field types: what a cell means on either side, and how it travels.

::

    canonical.py   the form in which values are compared, hashed and kept
    schema.py      a Bitable field
    column.py      a SQL column and what its type can hold
    sqltypes.py    the same for others, and the Lark field to create for a column
    codec.py       build_codec(field, column): the four closures between wire, canonical and SQL
    pair.py        what the codecs below share: the pair, its refusals, a side's half
    codec_text.py codec_number.py codec_boolean.py codec_time.py codec_day.py codec_multi.py codec_json.py
    codec_derived.py   the families
    payload.py         whole records without a SQL column beside them: RecordEncoder, RecordReader
    payload_write.py payload_scalars.py payload_read.py   their cells
    decimals.py    arithmetic of canonical numbers
    iso.py         dates and times as text; zones.py reads the name of a zone
"""
