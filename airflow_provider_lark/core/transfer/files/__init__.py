"""Files between attachment cells and a folder or object storage."""
