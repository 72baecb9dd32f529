"""Sensors: on the records of a Bitable table, and on the state that the sync keeps in the database."""
