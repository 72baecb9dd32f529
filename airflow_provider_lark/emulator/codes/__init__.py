"""Every code that the reference names: ``general.py``, and ``messages.py`` for messages, groups and their files."""
