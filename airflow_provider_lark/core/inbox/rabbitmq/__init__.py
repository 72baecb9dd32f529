"""RabbitMQ before the inbox: it keeps what Lark sends, also while the database is down.

::

    door → RabbitMQInbox.put → queue lark.inbox.<app> → Pump → SqlInbox → whoever handles it
                                        ↓ what cannot be read
                               queue lark.inbox.<app>.dead

A broker cannot tell whether it has had a delivery before, nor hand out the entries of one table only. So it is the
first of two stations: :mod:`.publisher` puts a delivery into the queue, and Lark hears "taken" after the broker has
confirmed it; :mod:`.pump` moves it to the database, and acknowledges it after the commit. What the pump brings twice,
the inbox keeps once. :mod:`.broker` opens connections and declares the queues, :mod:`.message` is what a message holds,
:mod:`.queues` counts what is in them, and lets dead letters be tried again.
"""
