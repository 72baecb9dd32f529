"""Notifiers: what a DAG or task tells a chat when it fails, is retried, succeeds or is late.

::

    webhook.py   LarkWebhookNotifier, through a webhook bot
    lark.py      LarkNotifier, through an app: to people and chats
    base.py      what both are; occasion_cards.py the cards, people.py  sayings.py what only the second needs
    alert_delivery.py  alert_news.py  alerting.py  alert_cards.py
                 one card for many failures: noted in core.alerts, shown by one process at a time
    context.py   what a callback's context says, whichever process it runs in; run_states.py  what Airflow is asked
                 beside it; exceptions.py  what an exception says
    templates.py what a notifier's templates say, and what becomes of a name that is not there
    quick_accounts.py
                 the database of tokens, which must not cost the message where it hangs
    within.py    a bound for everything that a notifier does; voice.py  what it says in the log
"""
