"""Triggers: what a deferred sensor leaves running in the triggerer."""
