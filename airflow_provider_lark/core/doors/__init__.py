"""Receiving deliveries from Lark, from bytes to the inbox: over HTTP (:mod:`.web_app`) or a long connection."""
