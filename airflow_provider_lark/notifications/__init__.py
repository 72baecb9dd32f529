"""Notifiers: what a DAG or task tells a chat when it fails, is retried, succeeds or is late.

::

    webhook.py   LarkWebhookNotifier, through a webhook bot
    lark.py      LarkNotifier, through an app: to people and chats
    base.py      what both are; occasion_cards.py the cards, people.py  sayings.py what only the second needs
    context.py   what a callback's context says, whichever process it runs in
    templates.py what a notifier's templates say, and what becomes of a name that is not there
    within.py    a bound for everything that a notifier does
"""
