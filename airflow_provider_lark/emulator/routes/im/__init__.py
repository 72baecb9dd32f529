"""``im/v1`` and the older routes beside it: messages, their files, chats (lark-api §6, §7.2)."""
