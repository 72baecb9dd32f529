"""Rows of a query into a Bitable table: :func:`.load.copy_to_bitable`."""
