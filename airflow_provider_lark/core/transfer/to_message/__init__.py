"""The result of a query as one message: a card, a chart, words, or a file.

::

    message.py          reads a result, and makes the content of a message of it
    result_words.py     what the author's words may name of a result
    file_kinds.py       which files there are; csv_file.py  json_file.py  html_file.py  excel_file.py  each of them
    text_file.py  packing.py        files of text, written as the rows come; packed
    file_values.py  formulas.py     values in files; texts that a spreadsheet would take for formulas
    chart_image.py  chart_fonts.py  a picture of a chart
"""
