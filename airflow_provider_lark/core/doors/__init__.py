"""The ways in for what Lark tells by itself, from its bytes to the inbox: :mod:`.web_app`."""
