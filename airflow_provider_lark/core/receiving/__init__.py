"""Deliveries from Lark (events, clicks on cards, the check of the address), told from what anyone else sends.

:class:`.Door` takes the bytes of one request, or of one frame of a long connection, and says what to do with them. It
knows no socket, no database and no clock, so every way in can use it:

    raw bytes → seal (signature, decryption) → envelope (old, new, card) → Delivery

"""
