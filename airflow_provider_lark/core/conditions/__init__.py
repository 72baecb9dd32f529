"""Conditions on a row, in one set of words for both sides of a mapping: what they are, and which rows meet them.

The words are those of :mod:`..lark_side.search_filter`, with which sensors and operators search. A side knows its own
values: :mod:`..sql_side.row_filter` lets the database judge, :mod:`..lark_side.record_filter` judges cells.
"""
