"""The web page of the emulator: ``/_emulator/`` in a browser.

::

    site.py      the files of the page, and images of messages, under their addresses
    views.py     what the page shows, as JSON: reads only
    tables.py    a page of a table's records          talks.py    chats and their messages
    static/      the page itself: HTML, CSS and JavaScript as they are, without a build
"""
