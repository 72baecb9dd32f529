"""Chats, messages, their files, and webhook bots."""
