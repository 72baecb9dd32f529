"""What ``airflow lark sync …`` offers; every ``airflow`` command imports this room, so it imports no other one here.

==================  =============================================================================
:mod:`.commands`    all commands, in the order of the help
:mod:`.arguments`   what several of them take
:mod:`.init`        ``init``
:mod:`.check`       ``check``
:mod:`.explain`     ``explain`` and ``undo``
:mod:`.waiting`     ``failed``, ``retry``, ``blacklist``, ``conflicts`` and ``held``
==================  =============================================================================
"""
