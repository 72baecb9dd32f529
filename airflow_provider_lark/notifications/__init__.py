"""Notifiers: what a DAG or task tells a chat when it fails, is retried, succeeds or is late.

::

    webhook.py   LarkWebhookNotifier, through a webhook bot
    context.py   what a callback's context says, whichever process it runs in
    templates.py what a notifier's templates say, and what becomes of a name that is not there
    within.py    a bound for everything that a notifier does
"""
