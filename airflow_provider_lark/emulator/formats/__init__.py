"""How bodies are written: JSON, as the platform reads and writes it, and multipart forms."""
