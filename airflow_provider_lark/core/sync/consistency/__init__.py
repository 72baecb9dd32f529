"""The consistency check, and the repair of what it finds.

:mod:`.compare` reads every record once, :mod:`.settle` looks again at what differs, :mod:`.judge` tells drift from what
is on its way, :mod:`.repairs` decides what brings a row in step, and :mod:`.repair` does it. :mod:`.page` shows it.
"""
