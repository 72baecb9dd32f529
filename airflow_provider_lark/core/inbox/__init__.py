"""The inbox: deliveries from Lark, stored before Lark gets its answer, and kept until they are handled.

:mod:`.inbox` says what an inbox does, :mod:`.sql_inbox` keeps it in the database of accounts. An entry is handled at
least once: a process that dies gives its entries back when their lease ends, and an entry whose handling keeps ending
the process is set aside with that reason. :mod:`.survey` shows what stands there, :mod:`.retention` says for how long.
"""
