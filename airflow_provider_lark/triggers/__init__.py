"""Triggers: what a deferred sensor or call leaves running in the triggerer."""
