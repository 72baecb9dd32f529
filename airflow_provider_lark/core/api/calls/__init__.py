"""One call from beginning to end: pace, token, send, read, retry.  Knows no socket.

::

    session.py      makes a call; settings.py  with what
    pacing.py  ratelimit.py  locks.py       when it may go; budget/ among all processes
    guards.py       who is asked before a write
    resend.py       whether it is sent again
    app_state.py  memory.py  call_log.py    what is remembered of earlier ones
    namespace.py    how a call becomes a method of both clients
"""
