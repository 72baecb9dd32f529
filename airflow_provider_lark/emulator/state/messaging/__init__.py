"""Messages, their files, and webhook bots."""
