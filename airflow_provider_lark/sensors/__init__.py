"""Sensors on the state that the sync keeps in the database."""
