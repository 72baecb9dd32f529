"""The long connection: Lark's events over a connection that the receiver opens, so that no public URL is needed.

    frame → session (fragments, pings, silence) → client (sockets, time) → intake → inbox

``frame`` and ``session`` are pure; ``lease`` sees to it that one process at a time has an app's connection, because
Lark gives each event to one of them at random.
"""
